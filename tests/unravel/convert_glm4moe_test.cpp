// A dense file converted with shared experts: it scores as the dense file where all work, and its scale is right for
// any number of active experts.
#include "samples.hpp"

#include <unravel/convert_gguf.hpp>
#include <unravel/convert_hf.hpp>
#include <unravel/convert_plan.hpp>

#include <engine/feed_forward.hpp>
#include <engine/mixture.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

/// Shuffled neurons; rows are random where there is something to choose.
moe_plan plan_with_shared(const moe_counts& counts, std::uint64_t seed = 3) {
  random_source random{seed};
  moe_plan plan{.experts = counts.routed(), .active = counts.active, .layers = {}, .made = "a test"};
  for (index_t layer = 0; layer < tiny_model::layers; ++layer) {
    const shuffled split{.seed = seed + static_cast<std::uint64_t>(layer)};
    moe_layer one{share_experts(split.split(tiny_model::neurons, counts.experts), counts.shared)};
    if (counts.active < counts.routed()) {
      for (index_t i = 0; i < counts.routed() * tiny_model::width; ++i) {
        one.router.push_back(static_cast<float>(random.normal()));
      }
      one.eps = 0x1p-10f;
    }
    plan.layers.push_back(std::move(one));
  }
  return plan;
}

template <class Model>
double bits_of_some_text(const std::string& path) {
  const Model weights{path};
  engine::session<Model> read{weights};
  const engine::tokenizer words{weights.file()};
  const auto score = [&](auto ffn) {
    return score_windows(read, windows_of(random_text(8, 200), words, window_tokens(weights.sizes())), ffn)
        .bits_per_byte();
  };
  if constexpr (std::is_same_v<Model, engine::mixture<float>>) {
    return score(engine::mixture_feed_forward{weights, read.batch()});
  } else {
    return score(engine::split_feed_forward{weights, 1, read.batch()});
  }
}

class converted_glm4moe : public ::testing::TestWithParam<gguf_type> {};

TEST_P(converted_glm4moe, scores_as_the_dense_file_where_all_experts_work) {
  // With q8_0, experts of 16 neurons cut through blocks.
  const convert_settings chosen{.down = GetParam() == gguf_type::q8_0 ? std::optional{gguf_type::f32} : std::nullopt};
  for (const std::uint64_t seed : {7u, 8u, 9u}) {
    const model_file file{GetParam(), seed};
    const gguf_file dense{file.path()};
    const std::string target = file.directory() / "moe.gguf";
    for (const index_t shared : {1, 2}) {
      const moe_plan plan = plan_with_shared({4, 4 - shared, shared}, seed);
      for (const converted_layer& layer : moe_gguf{dense, plan, chosen}.save(target).layers) {
        EXPECT_EQ(layer.error.relative(), 0.0);  // no factor
      }
      EXPECT_NEAR(bits_of_some_text<engine::mixture<float>>(target),
                  bits_of_some_text<engine::model<float>>(file.path()), 1e-4);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(types, converted_glm4moe,
                         ::testing::Values(gguf_type::f32, gguf_type::f16, gguf_type::bf16, gguf_type::q8_0),
                         [](const auto& one) { return to_string(one.param); });

TEST(converted_to_glm4moe, adds_the_chosen_and_the_shared_experts) {
  const model_file file;
  const gguf_file dense_file{file.path()};
  const engine::model<float> dense{file.path()};
  const std::string target = file.directory() / "moe.gguf", overridden = file.directory() / "other.gguf";
  const moe_plan plan = plan_with_shared({8, 2, 2});
  moe_gguf{dense_file, plan, {}}.save(target);
  random_source random{2};
  std::vector<float> numbers(20 * tiny_model::width), got(numbers.size()), wanted(numbers.size());
  for (float& x : numbers) x = static_cast<float>(random.normal());
  const matrix_view<float> tokens{numbers.data(), 20, tiny_model::width};
  for (index_t active = 1; active <= 6; ++active) {  // the file was made for 2
    const gguf_file made{target};
    gguf_writer out;
    out.copy_entries(made);
    out.set("glm4moe.expert_used_count", static_cast<std::uint32_t>(active));
    for (const gguf_tensor& one : made.tensors()) out.copy(made, one.name);
    out.save(overridden);
    const engine::mixture<float> mixed{overridden};
    engine::mixture_feed_forward ffn{mixed, 20};
    std::fill(got.begin(), got.end(), 0.0f);
    ffn(1, tokens, {got.data(), 20, tiny_model::width});
    const moe_layer& layer = plan.layers[1];
    const sparse_ffn plain{borrow(dense.ffn(1), layer.split), silu{}};
    workspace work{plain, {.batch = 20}};
    std::vector<float> rows(8 * tiny_model::width, 0.0f);  // those of shared experts are not looked at
    std::copy(layer.router.begin(), layer.router.end(), rows.begin() + 2 * tiny_model::width);
    const router choose{linear_scorer{{rows.data(), 8, tiny_model::width}}, no_squash{},
                        with_shared{top_k{.k = active}, {0, 1}}};
    choose(tokens, work);
    plain(tokens, work, {wanted.data(), 20, tiny_model::width});
    double apart = 0, whole = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      apart += std::pow(static_cast<double>(got[i] - wanted[i]), 2);
      whole += std::pow(static_cast<double>(wanted[i]), 2);
    }
    EXPECT_LT(std::sqrt(apart / whole), 0.01) << active;  // scores of deviation sqrt(32) / 1024: half of it in weights
    EXPECT_GT(apart, 0);
  }
}

TEST(converted_to_glm4moe, has_its_keys_and_tensors) {
  const model_file file{gguf_type::f16};
  const gguf_file dense{file.path()};
  const std::string target = file.directory() / "moe.gguf";
  const moe_plan plan = plan_with_shared({8, 3, 2});
  moe_gguf out{dense, plan, {}};
  index_t told = 0;
  out.save(target, [&] { ++told; });
  EXPECT_EQ(told, out.made());
  const gguf_file mixed{target};
  EXPECT_EQ(mixed.get<std::string>("general.architecture"), "glm4moe");
  EXPECT_EQ(mixed.find("llama.block_count"), nullptr);
  for (const auto& [key, value] : {std::pair{"expert_count", 6},
                                   {"expert_used_count", 3},
                                   {"expert_shared_count", 2},
                                   {"expert_gating_func", 2},
                                   {"expert_feed_forward_length", 8},
                                   {"leading_dense_block_count", 0},
                                   {"block_count", 2}}) {
    EXPECT_EQ(mixed.get<index_t>(std::string{"glm4moe."} + key), value) << key;
  }
  EXPECT_FALSE(mixed.get<bool>("glm4moe.expert_weights_norm"));
  EXPECT_EQ(mixed.get<float>("glm4moe.expert_weights_scale"), 2.0f);
  EXPECT_EQ(mixed.get<float>("fissile.moe.down_factor"), 1.0f);
  EXPECT_EQ(mixed.find("fissile.moe.note"), nullptr);
  EXPECT_EQ(mixed.tensors().size(), dense.tensors().size() + 5 * tiny_model::layers);
  EXPECT_EQ(mixed.tensor("blk.1.exp_probs_b.bias").dimensions, 1u);
  EXPECT_EQ(mixed.tensor("blk.1.exp_probs_b.bias").count(), 6);
  EXPECT_EQ(mixed.raw("blk.1.post_attention_norm.weight"), dense.raw("blk.1.ffn_norm.weight"));
  EXPECT_EQ(mixed.read_floats("blk.1.ffn_gate_inp.weight"), plan.layers[1].written_router(tiny_model::width));
  const partition& split = plan.layers[1].split;
  const auto old_up = dense.read_floats("blk.1.ffn_up.weight"), old_down = dense.read_floats("blk.1.ffn_down.weight");
  const auto up = mixed.read_floats("blk.1.ffn_up_shexp.weight"),
             down = mixed.read_floats("blk.1.ffn_down_shexp.weight"),
             stacked = mixed.read_floats("blk.1.ffn_down_exps.weight");
  EXPECT_EQ(mixed.tensor("blk.1.ffn_up_shexp.weight").extents, (std::array<index_t, 4>{tiny_model::width, 16, 1, 1}));
  EXPECT_EQ(mixed.tensor("blk.1.ffn_down_exps.weight").extents, (std::array<index_t, 4>{8, tiny_model::width, 6, 1}));
  for (index_t row = 0; row < tiny_model::width; ++row) {
    for (index_t i = 0; i < 16; ++i) {
      const index_t neuron = split.experts(0, 2)[i];
      EXPECT_EQ(up[to_size(i * tiny_model::width + row)], old_up[to_size(neuron * tiny_model::width + row)]);
      EXPECT_EQ(down[to_size(row * 16 + i)], old_down[to_size(row * tiny_model::neurons + neuron)]);
    }
    for (index_t e = 0; e < 6; ++e) {
      EXPECT_EQ(stacked[to_size((e * tiny_model::width + row) * 8 + 5)],
                old_down[to_size(row * tiny_model::neurons + split.expert(e + 2)[5])]);
    }
  }
}

TEST(converted_to_glm4moe, has_the_halves_of_rotated_heads_apart) {
  const model_file file;
  const gguf_file dense{file.path()};
  const std::string target = file.directory() / "moe.gguf";
  const moe_plan plan = plan_with_shared({4, 3, 1});
  moe_gguf{dense, plan, {}}.save(target);
  const gguf_file mixed{target};
  for (const std::string name : {"blk.1.attn_q.weight", "blk.0.attn_k.weight"}) {
    const matrix_view<const float> before = dense.view<float>(name), after = mixed.view<float>(name);
    for (index_t head = 0; head < before.rows(); head += tiny_model::head_size) {
      for (index_t i = 0; i < tiny_model::head_size; ++i) {
        const bool turned = i < tiny_model::rotated;
        const index_t to = turned ? i / 2 + i % 2 * (tiny_model::rotated / 2) : i;
        EXPECT_TRUE(std::equal(before.row(head + i).begin(), before.row(head + i).end(), after.row(head + to).begin()));
      }
    }
  }
}

TEST(converted_to_glm4moe, cuts_whole_blocks_as_they_are) {
  const model_file file{gguf_type::q8_0};
  const gguf_file dense{file.path()};
  moe_plan plan{.experts = 1, .active = 1, .layers = {}, .made = "a test"};
  const partition halves = even_slices{}.split(tiny_model::neurons, 2);
  plan.layers.assign(2, moe_layer{share_experts(halves, 1)});
  const down_cut cut{dense, plan, 1, std::nullopt};
  ASSERT_TRUE(cut.blocks());
  rounding_error error;
  const std::string shared = cut.cut_shared(error), routed = cut.cut(error);
  const std::string_view stored = dense.raw("blk.1.ffn_down.weight");
  ASSERT_EQ(shared.size() + routed.size(), stored.size());
  for (std::size_t row = 0; row < to_size(tiny_model::width); ++row) {
    EXPECT_EQ(shared.substr(34 * row, 34), stored.substr(68 * row, 34));
    EXPECT_EQ(routed.substr(34 * row, 34), stored.substr(68 * row + 34, 34));
  }
  EXPECT_EQ(error.relative(), 0.0);
}

TEST(converted_to_glm4moe, is_refused_before_any_work) {
  const model_file file;
  const gguf_file dense{file.path()};
  const auto says = [&](const moe_counts& counts) {
    return message_of<setting_error>([&] { check_counts(dense, counts, {}); });
  };
  expect_says(says({4, 1, 3}), {"--shared: expected at least two of 4 experts left to choose among, got 3"});
  expect_says(says({4, 1, 9}), {"--shared", "got 9"});
  expect_says(says({4, 4, 1}), {"--active: expected from 1 to 3, got 4"});
  expect_says(says({3, 1, 1}), {"--experts", "of 64 neurons 2, 4, 8, 16, 32, 64", "got 3"});
  expect_says(message_of<setting_error>([&] {
                mixtral_folder{dense, plan_with_shared({4, 3, 1})};
              }),
              {"shared experts", "none for Mixtral"});
  moe_plan unequal = plan_with_shared({4, 3, 1});
  unequal.layers[1].split = share_experts(even_slices{}.split(tiny_model::neurons, 5), 2);
  expect_says(message_of<setting_error>([&] { moe_gguf{dense, unequal, {}}; }), {"layer 1: shared", "1 as in layer 0"});

  const auto of_file = [&](const char* tensor, const char* architecture) {
    tiny_model other;
    other.out.set("general.architecture", architecture);
    if (*tensor != '\0') other.add(tensor, 1, 2);
    other.out.save(file.directory() / "other.gguf");
    const gguf_file refused{file.directory() / "other.gguf"};
    return message_of<file_error>([&] { recipe_for(refused, weighing::sigmoid); });
  };
  expect_says(of_file("rope_freqs.weight", "llama"), {"rope_freqs.weight", "a tensor that glm4moe has not"});
  expect_says(of_file("blk.0.attn_q.bias", "llama"), {"blk.0.attn_q.bias", "a tensor that glm4moe has not"});
  expect_says(of_file("", "qwen3"), {"expected llama (LLaMA, Mistral), for --shared, got qwen3"});
}

}  // namespace
