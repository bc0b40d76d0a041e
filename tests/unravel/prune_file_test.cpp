// A pruned file scores like the model with the same experts off; everything else in it stays as it was.
#include "samples.hpp"

#include <unravel/prune_file.hpp>

#include <gtest/gtest.h>

#include <cmath>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

/// Removes as many experts of each layer as it is told, drawn at random.
saved_verdict random_verdict(const engine::model<float>& weights, index_t experts,
                             const std::vector<index_t>& removed) {
  random_source random{99};
  saved_verdict made;
  made.decided.judge = "chance";
  for (const index_t count : removed) {
    made.partitions.push_back(even_slices{}.split(weights.sizes().neurons, experts));
    std::vector<index_t> order = ascending(experts);
    shuffle(order, random);
    auto& layer = made.decided.layers.emplace_back(to_size(experts), ruling{});
    for (index_t i = 0; i < count; ++i) layer[to_size(order[to_size(i)])].what = fate::remove;
  }
  return made;
}

void write(const saved_verdict& one, const std::string& path) {
  write_verdict_json(path, one.decided, one.partitions);
}

double bits_per_byte(const engine::model<float>& weights, index_t experts, const survivors& kept) {
  const split_model split{weights, experts};
  const engine::tokenizer words{weights.file()};
  const auto windows = windows_of(random_text(8, 400), words, window_tokens(weights.sizes()));
  engine::session<engine::model<float>> read{weights};
  workspace work{split.layer(0), {.batch = read.batch()}};
  survivors_on ffn{split, kept, work};
  return score_windows(read, windows, ffn).bits_per_byte();
}

class pruned_files : public ::testing::TestWithParam<gguf_type> {};

TEST_P(pruned_files, scores_like_the_masked_model) {
  const model_file file{GetParam()};
  const engine::model<float> weights{file.path()};
  const std::string verdict = file.directory() / "verdict.json", target = file.directory() / "small.gguf";
  // 64 neurons in 6 experts of 11 and 10: even equal numbers of experts may leave layers of unequal width
  for (const auto& [experts, removed] :
       {std::pair{index_t{8}, std::vector<index_t>{2, 2}}, std::pair{index_t{8}, std::vector<index_t>{1, 4}},
        std::pair{index_t{6}, std::vector<index_t>{5, 0}}}) {
    const saved_verdict saved = random_verdict(weights, experts, removed);
    write(saved, verdict);
    const prune_outcome done = unravel::prune_file(file.path(), verdict, target);
    const survivors kept{saved.decided.kept(0), saved.decided.kept(1)};
    const engine::model<float> smaller{target};
    const double masked = bits_per_byte(weights, experts, kept);
    const double written = bits_per_byte(smaller, 2, survivors(2, {0, 1}));
    EXPECT_NEAR(masked, written, 1e-5);
    EXPECT_EQ(smaller.sizes().neurons, done.width_after);
    const bool equal = removed[0] == removed[1];
    EXPECT_EQ(done.padded_layers, equal ? 0 : 1);
    if (equal) {
      EXPECT_EQ(done.width_after, 48);
    }
    const bool writable = GetParam() != gguf_type::q8_0;
    EXPECT_EQ(done.widened_layers, writable ? 0 : 2);
    const gguf_type type = writable ? GetParam() : gguf_type::f32;
    for (const char* part : {"gate", "up", "down"}) {
      EXPECT_EQ(smaller.file().tensor(ffn_tensor(1, part)).type, type);
    }
    EXPECT_EQ(done.bytes_after, std::filesystem::file_size(target));
    if (equal) {
      EXPECT_EQ(done.parameters_before - done.parameters_after, 2u * 3 * 16 * tiny_model::width);
    }
  }
}
INSTANTIATE_TEST_SUITE_P(types, pruned_files,
                         ::testing::Values(gguf_type::f32, gguf_type::f16, gguf_type::bf16, gguf_type::q8_0),
                         [](const auto& one) { return to_string(one.param); });

TEST(pruned_file, keeps_all_other_keys_and_tensors) {
  const model_file file{gguf_type::f16};
  const engine::model<float> weights{file.path()};
  const std::string verdict = file.directory() / "verdict.json", target = file.directory() / "small.gguf";
  write(random_verdict(weights, 4, {1, 1}), verdict);
  unravel::prune_file(file.path(), verdict, target);
  const gguf_file before{file.path()}, after{target};
  ASSERT_EQ(before.entries().size(), after.entries().size());
  for (std::size_t i = 0; i < before.entries().size(); ++i) {
    const gguf_entry &old = before.entries()[i], &copy = after.entries()[i];
    EXPECT_EQ(old.key, copy.key);
    EXPECT_EQ(old.value.kind(), copy.value.kind());
    if (old.key != "llama.feed_forward_length") {
      EXPECT_EQ(old.value.bytes(), copy.value.bytes()) << old.key;
    }
  }
  EXPECT_EQ(after.get<index_t>("llama.feed_forward_length"), 48);
  ASSERT_EQ(before.tensors().size(), after.tensors().size());
  for (std::size_t i = 0; i < before.tensors().size(); ++i) {
    const std::string name{before.tensors()[i].name};
    EXPECT_EQ(name, after.tensors()[i].name);
    const bool narrower =
        name.find("ffn_gate") != name.npos || name.find("ffn_up") != name.npos || name.find("ffn_down") != name.npos;
    if (!narrower) {
      EXPECT_EQ(before.raw(name), after.raw(name)) << name;
    }
    if (narrower) {
      EXPECT_LT(after.raw(name).size(), before.raw(name).size()) << name;
    }
  }
}

TEST(pruned_file, refuses_verdicts_of_other_models) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const std::string verdict = file.directory() / "verdict.json", target = file.directory() / "small.gguf";
  write(random_verdict(weights, 4, {1, 1, 1}), verdict);
  expect_says(message_of<file_error>([&] { unravel::prune_file(file.path(), verdict, target); }),
              {"verdict.json", "2 layers", "on 3"});
  saved_verdict narrow = random_verdict(weights, 4, {1, 1});
  narrow.partitions[1] = even_slices{}.split(index_t{60}, 4);
  write(narrow, verdict);
  expect_says(message_of<file_error>([&] { unravel::prune_file(file.path(), verdict, target); }),
              {"verdict.json", "64 neurons in layer 1", "60"});
  write(random_verdict(weights, 4, {4, 1}), verdict);
  expect_says(message_of<setting_error>([&] { unravel::prune_file(file.path(), verdict, target); }),
              {"layer 0", "at least one expert"});
  put(verdict, "{}");
  expect_says(message_of<file_error>([&] { unravel::prune_file(file.path(), verdict, target); }), {"verdict.json"});
  EXPECT_FALSE(std::filesystem::exists(target));
}

TEST(pruned_file, refuses_to_overwrite_its_inputs) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const std::string verdict = file.directory() / "verdict.json";
  write(random_verdict(weights, 4, {1, 1}), verdict);
  const std::string before = content_of(file.path());
  const std::string roundabout = (file.directory() / "./") + "tiny.gguf";
  expect_says(message_of<file_error>([&] { unravel::prune_file(file.path(), verdict, roundabout); }), {"--out"});
  expect_says(message_of<file_error>([&] { unravel::prune_file(file.path(), verdict, verdict); }), {"--out"});
  EXPECT_EQ(content_of(file.path()), before);
}

/// As deci.feed_forward_length says, each layer has the neurons that stayed: with zeros they are the padded file's.
TEST(pruned_file, widths_of_their_own_are_those_that_were_padded) {
  const model_file file{gguf_type::f16};
  const engine::model<float> weights{file.path()};
  const std::string verdict = file.directory() / "verdict.json", target = file.directory() / "deci.gguf",
                    other = file.directory() / "padded.gguf";
  write(random_verdict(weights, 8, {1, 4}), verdict);
  const prune_outcome done = unravel::prune_file(file.path(), verdict, target, layer_widths::deci);
  unravel::prune_file(file.path(), verdict, other, layer_widths::padded);
  EXPECT_EQ(done.padded_layers, 0);
  EXPECT_EQ(done.width_after, 56);
  EXPECT_EQ(done.parameters_before - done.parameters_after, (8u + 32u) * 3 * tiny_model::width);
  const gguf_file before{file.path()}, deci{target}, zeros{other};
  EXPECT_EQ(deci.get<std::string>("general.architecture"), "deci");
  EXPECT_EQ(deci.get<std::vector<index_t>>("deci.feed_forward_length"), (std::vector<index_t>{56, 32}));
  EXPECT_EQ(deci.get<std::vector<index_t>>("deci.attention.head_count"), (std::vector<index_t>(2, tiny_model::heads)));
  EXPECT_EQ(deci.get<std::vector<index_t>>("deci.attention.head_count_kv"),
            (std::vector<index_t>(2, tiny_model::key_heads)));
  EXPECT_EQ(deci.get<index_t>("deci.context_length"), tiny_model::context);
  EXPECT_EQ(deci.entries().size(), before.entries().size());
  for (const gguf_entry& one : deci.entries()) EXPECT_FALSE(one.key.starts_with("llama.")) << one.key;
  ASSERT_EQ(deci.tensors().size(), zeros.tensors().size());
  for (const gguf_tensor& tensor : deci.tensors()) {
    const std::vector<float> narrow = deci.read_floats(tensor.name), wide = zeros.read_floats(tensor.name);
    const index_t columns = tensor.columns(), wide_columns = zeros.tensor(tensor.name).columns();
    double sum = 0, wide_sum = 0;
    for (index_t i = 0; i < length(narrow); ++i) {
      ASSERT_EQ(narrow[to_size(i)], wide[to_size(i / columns * wide_columns + i % columns)]) << tensor.name;
      sum += std::abs(narrow[to_size(i)]);
    }
    for (const float number : wide) wide_sum += std::abs(number);
    EXPECT_NEAR(sum, wide_sum, 1e-9 * sum) << tensor.name;  // the rest is zeros
  }
}

TEST(pruned_file, widths_that_should_be_equal_are) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const std::string verdict = file.directory() / "verdict.json", target = file.directory() / "small.gguf";
  write(random_verdict(weights, 8, {1, 4}), verdict);
  expect_says(
      message_of<setting_error>([&] { unravel::prune_file(file.path(), verdict, target, layer_widths::equal); }),
      {"--widths equal", "56 neurons in layer 1, as in layer 0, got 32", "padded or deci"});
  EXPECT_FALSE(std::filesystem::exists(target));
  write(random_verdict(weights, 8, {4, 4}), verdict);
  EXPECT_EQ(unravel::prune_file(file.path(), verdict, target, layer_widths::equal).width_after, 32);
  EXPECT_EQ(widths_named("deci"), layer_widths::deci);
  EXPECT_EQ(widths_named("padded"), layer_widths::padded);
  EXPECT_EQ(widths_named("equal"), layer_widths::equal);
  expect_says(message_of<setting_error>([] { static_cast<void>(widths_named("wide")); }), {"--widths", "\"wide\""});
}

}  // namespace
