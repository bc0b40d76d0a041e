// A dense file converted into a mixture: with all experts active it scores as the dense file, and rows keep their bits.
#include "samples.hpp"

#include <unravel/convert_gguf.hpp>
#include <unravel/score.hpp>

#include <engine/feed_forward.hpp>
#include <engine/mixture.hpp>

#include <fissile/partition/even_slices.hpp>
#include <fissile/partition/shuffled.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

enum class test_split { even, shuffled };

/// All or some experts; rows are random where there is something to choose.
moe_plan conversion_plan(const moe_counts& counts, test_split how) {
  random_source random{11};
  moe_plan plan{.experts = counts.experts, .active = counts.active, .layers = {}, .made = "a test"};
  for (index_t layer = 0; layer < tiny_model::layers; ++layer) {
    const auto seed = static_cast<std::uint64_t>(layer) + 3;
    moe_layer one{how == test_split::even ? even_slices{}.split(tiny_model::neurons, counts.experts)
                                          : shuffled{.seed = seed}.split(tiny_model::neurons, counts.experts)};
    if (counts.active < counts.experts) {
      for (index_t i = 0; i < counts.experts * tiny_model::width; ++i) {
        one.router.push_back(static_cast<float>(random.normal()));
      }
      one.eps = 0x1p-8f;
    }
    plan.layers.push_back(std::move(one));
  }
  return plan;
}

double converted_bits(const std::string& path) {
  const engine::mixture<float> weights{path};
  engine::session read{weights};
  engine::mixture_feed_forward ffn{weights, read.batch()};
  const engine::tokenizer words{weights.file()};
  return score_windows(read, windows_of(random_text(8, 400), words, window_tokens(weights.sizes())), ffn)
      .bits_per_byte();
}
double dense_bits(const std::string& path) {
  const engine::model<float> weights{path};
  engine::session read{weights};
  engine::split_feed_forward ffn{weights, 1, read.batch()};
  const engine::tokenizer words{weights.file()};
  return score_windows(read, windows_of(random_text(8, 400), words, window_tokens(weights.sizes())), ffn)
      .bits_per_byte();
}

class converted_files : public ::testing::TestWithParam<gguf_type> {};

TEST_P(converted_files, score_as_the_dense_file_where_all_experts_are_active) {
  const model_file file{GetParam()};
  const gguf_file dense{file.path()};
  const std::string target = file.directory() / "moe.gguf";
  const bool blocks = GetParam() == gguf_type::q8_0;
  for (const test_split how : {test_split::even, test_split::shuffled}) {
    for (const index_t experts : blocks ? std::vector<index_t>{2} : std::vector<index_t>{2, 4, 16}) {
      const moe_plan plan = conversion_plan({experts, experts}, how);
      const bool cut_through = blocks && how == test_split::shuffled;
      const convert_settings chosen{.down = cut_through ? std::optional{gguf_type::f32} : std::nullopt};
      const convert_outcome done = moe_gguf{dense, plan, chosen}.save(target);
      EXPECT_NEAR(converted_bits(target), dense_bits(file.path()), 1e-4) << experts;
      for (const converted_layer& layer : done.layers) {
        EXPECT_EQ(layer.error.relative(), 0.0);  // powers of two
        EXPECT_EQ(layer.blocks, blocks && !cut_through);
      }
    }
  }
}

TEST_P(converted_files, keep_the_bits_of_gate_and_up_rows) {
  const model_file file{GetParam()};
  const gguf_file dense{file.path()};
  const std::string target = file.directory() / "moe.gguf";
  const moe_plan plan = conversion_plan({4, 2}, test_split::shuffled);
  moe_gguf{dense, plan, {.down = gguf_type::f32}}.save(target);
  const gguf_file mixed{target};
  for (index_t layer = 0; layer < tiny_model::layers; ++layer) {
    const vector_view<const index_t> order = plan.layers[to_size(layer)].split.experts(0, 4);
    for (const char* part : {"gate", "up"}) {
      const std::string name = ffn_tensor(layer, part);
      const std::string stacked = "blk." + std::to_string(layer) + ".ffn_" + part + "_exps.weight";
      ASSERT_EQ(mixed.tensor(stacked).type, GetParam());
      EXPECT_EQ(mixed.tensor(stacked).extents, (std::array<index_t, 4>{tiny_model::width, 16, 4, 1}));
      const std::string_view before = dense.raw(name), after = mixed.raw(stacked);
      ASSERT_EQ(before.size(), after.size());
      const std::size_t row = before.size() / to_size(tiny_model::neurons);
      for (index_t i = 0; i < order.length(); ++i) {
        EXPECT_EQ(after.substr(to_size(i) * row, row), before.substr(to_size(order[i]) * row, row)) << i;
      }
    }
    EXPECT_EQ(mixed.get<std::vector<std::int32_t>>("fissile.moe.blk." + std::to_string(layer) + ".neurons")[5],
              order[5]);
  }
}

TEST_P(converted_files, say_what_the_factor_cost) {
  const model_file file{GetParam()};
  const gguf_file dense{file.path()};
  const std::string target = file.directory() / "moe.gguf";
  const moe_plan plan = conversion_plan({4, 3}, test_split::even);
  const bool blocks = GetParam() == gguf_type::q8_0;
  const convert_settings chosen{.down = blocks ? std::optional{gguf_type::f16} : std::nullopt};
  const double error = moe_gguf{dense, plan, chosen}.save(target).layers[1].error.relative();
  const std::vector<float> before = dense.read_floats(ffn_tensor(1, "down"));
  const std::vector<float> after = gguf_file{target}.read_floats("blk.1.ffn_down_exps.weight");
  double apart = 0, whole = 0;
  for (index_t e = 0; e < 4; ++e) {
    for (index_t row = 0; row < tiny_model::width; ++row) {
      for (index_t i = 0; i < 16; ++i) {
        const double wanted = 3.0 * static_cast<double>(before[to_size(row * tiny_model::neurons + 16 * e + i)]);
        const double got = static_cast<double>(after[to_size((e * tiny_model::width + row) * 16 + i)]);
        apart += (wanted - got) * (wanted - got);
        whole += wanted * wanted;
      }
    }
  }
  EXPECT_NEAR(std::sqrt(apart / whole), error, 1e-3 * error + 1e-7);
  const double most = GetParam() == gguf_type::bf16 ? 0x1p-8 : 0x1p-11;
  EXPECT_LT(error, most);
}
INSTANTIATE_TEST_SUITE_P(types, converted_files,
                         ::testing::Values(gguf_type::f32, gguf_type::f16, gguf_type::bf16, gguf_type::q8_0),
                         [](const auto& one) { return to_string(one.param); });

TEST(converted_file, with_few_experts_adds_their_outputs) {
  const model_file file;
  const gguf_file dense_file{file.path()};
  const engine::model<float> dense{file.path()};
  const std::string target = file.directory() / "moe.gguf";
  const moe_plan plan = conversion_plan({8, 3}, test_split::shuffled);
  moe_gguf{dense_file, plan, {}}.save(target);
  const engine::mixture<float> mixed{target};
  engine::mixture_feed_forward ffn{mixed, 20};
  random_source random{2};
  std::vector<float> numbers(20 * tiny_model::width), got(numbers.size(), 0.0f), wanted(numbers.size(), 0.0f);
  for (float& x : numbers) x = static_cast<float>(random.normal());
  const matrix_view<float> tokens{numbers.data(), 20, tiny_model::width};
  ffn(1, tokens, {got.data(), 20, tiny_model::width});
  const moe_layer& layer = plan.layers[1];
  const sparse_ffn plain{borrow(dense.ffn(1), layer.split), silu{}};
  workspace work{plain, {.batch = 20}};
  const router choose{linear_scorer{{layer.router.data(), 8, tiny_model::width}}, no_squash{}, top_k{.k = 3}};
  choose(tokens, work);
  plain(tokens, work, {wanted.data(), 20, tiny_model::width});
  double apart = 0, whole = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    apart += std::pow(static_cast<double>(got[i] - wanted[i]), 2);
    whole += std::pow(static_cast<double>(wanted[i]), 2);
  }
  EXPECT_LT(std::sqrt(apart / whole), 0.03);  // scores of deviation sqrt(32) / 256 are weights off by 2 %
  EXPECT_GT(apart, 0);
}

TEST(converted_file, keeps_keys_and_other_tensors) {
  const model_file file{gguf_type::f16};
  const gguf_file dense{file.path()};
  const std::string target = file.directory() / "moe.gguf";
  moe_gguf{dense, conversion_plan({4, 2}, test_split::even), {}}.save(target);
  const gguf_file mixed{target};
  for (const gguf_entry& one : dense.entries()) {
    ASSERT_NE(mixed.find(one.key), nullptr) << one.key;
    if (one.key == "llama.feed_forward_length") continue;
    EXPECT_EQ(mixed.find(one.key)->bytes(), one.value.bytes()) << one.key;
  }
  EXPECT_EQ(mixed.get<index_t>("llama.feed_forward_length"), 16);
  EXPECT_EQ(mixed.get<index_t>("llama.expert_count"), 4);
  EXPECT_EQ(mixed.get<index_t>("llama.expert_used_count"), 2);
  EXPECT_NE(mixed.get<std::string>("fissile.moe.note").find("factor 2"), std::string::npos);
  EXPECT_EQ(mixed.tensors().size(), dense.tensors().size() + tiny_model::layers);
  for (const gguf_tensor& one : dense.tensors()) {
    if (mixed.find_tensor(one.name) == nullptr) continue;
    EXPECT_EQ(mixed.raw(one.name), dense.raw(one.name)) << one.name;
  }
}

TEST(converted_file, of_qwen3_has_the_keys_of_its_mixture) {
  tiny_model qwen;
  const temporary_directory directory;
  qwen.out.save(directory / "llama.gguf");
  const gguf_file llama{directory / "llama.gguf"};
  gguf_writer out;
  for (const gguf_entry& one : llama.entries()) {
    const bool own = one.key.starts_with("llama.");
    out.set(own ? "qwen3." + std::string{one.key.substr(6)} : std::string{one.key}, one.value);
  }
  out.set("general.architecture", "qwen3");
  for (const gguf_tensor& one : llama.tensors()) out.copy(llama, one.name);
  out.save(directory / "qwen3.gguf");
  const gguf_file dense{directory / "qwen3.gguf"};
  moe_gguf{dense, conversion_plan({4, 4}, test_split::even), {}}.save(directory / "moe.gguf");
  const gguf_file mixed{directory / "moe.gguf"};
  EXPECT_EQ(mixed.get<std::string>("general.architecture"), "qwen3moe");
  EXPECT_EQ(mixed.get<index_t>("qwen3moe.expert_feed_forward_length"), 16);
  EXPECT_EQ(mixed.get<index_t>("qwen3moe.feed_forward_length"), tiny_model::neurons);
  EXPECT_EQ(mixed.get<index_t>("qwen3moe.embedding_length"), tiny_model::width);
  EXPECT_EQ(mixed.find("qwen3.block_count"), nullptr);
}

TEST(converted_file, is_refused_before_any_work) {
  const model_file file{gguf_type::q8_0};
  const gguf_file dense{file.path()};
  const auto says = [&](const moe_counts& counts, test_split how, const convert_settings& chosen) {
    return message_of<setting_error>([&] { moe_gguf{dense, conversion_plan(counts, how), chosen}; });
  };
  expect_says(says({4, 2}, test_split::even, {}),
              {"--experts", "32 neurons", "Q8_0: of 64 neurons 2, got 4", "--down bf16"});
  expect_says(says({2, 1}, test_split::shuffled, {}), {"--down", "cut through blocks", "--partition even"});
  expect_says(says({2, 3}, test_split::even, {}), {"--active: expected from 1 to 2, got 3"});
  const convert_settings wide{.down = gguf_type::f32};
  moe_plan none = conversion_plan({4, 2}, test_split::even);
  none.layers[1].router.clear();
  expect_says(message_of<setting_error>([&] { moe_gguf{dense, none, wide}; }), {"layer 1: router"});
  gguf_writer out;
  out.copy_entries(dense);
  out.set("general.architecture", "gemma");
  out.save(file.directory() / "gemma.gguf");
  expect_says(
      message_of<file_error>([&] { recipe_for(gguf_file{file.directory() / "gemma.gguf"}, weighing::softmax); }),
      {"general.architecture: expected llama (LLaMA, Mistral) or qwen3, got gemma"});
}

}  // namespace
