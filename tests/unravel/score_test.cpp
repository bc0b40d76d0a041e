// Bits per byte: probabilities sum to one, all experts on is the dense model, and the way of reading changes nothing.
#include "samples.hpp"

#include <engine/feed_forward.hpp>

#include <gtest/gtest.h>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

TEST(score, surprises_belong_to_probabilities) {
  random_source random{4};
  for (int round = 0; round < 20; ++round) {
    std::vector<float> logits(to_size(2 + random.below(50)));
    for (float& x : logits) x = static_cast<float>(20 * random.normal());
    double sum = 0;
    for (index_t token = 0; token < length(logits); ++token) {
      sum += std::exp2(-surprise(vector_view<const float>{logits}, static_cast<engine::token_id>(token)));
    }
    EXPECT_NEAR(sum, 1, 1e-5);
  }
}

TEST(score, knows_nothing_of_equal_tokens) {
  const std::vector<float> logits(8, 1.5f);
  EXPECT_NEAR(surprise(vector_view<const float>{logits}, 3), 3, 1e-6);
}

TEST(score, of_all_experts_is_the_dense_one) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const model_file file{gguf_type::f32, seed};
    const engine::model<float> weights{file.path()};
    const split_model split{weights, 5};
    const engine::tokenizer words{weights.file()};
    const std::string content = random_text(seed, 300);
    const index_t context = window_tokens(weights.sizes());
    const auto windows = windows_of(content, words, context);

    engine::session<engine::model<float>> read{weights, session_for(context)};
    engine::dense_feed_forward dense{weights};
    const score reference = score_windows(read, windows, dense);
    workspace work{split.layer(0), {.batch = read.batch()}};
    const survivors everybody(to_size(split.layers()), split.all_experts());
    survivors_on on{split, everybody, work};
    survivors_routed routed{split, everybody, split.experts(), work};

    EXPECT_EQ(reference.bytes, 300);
    EXPECT_TRUE(std::isfinite(reference.bits_per_byte()));
    EXPECT_GT(reference.bits_per_byte(), 1);
    EXPECT_NEAR(score_windows(read, windows, on).bits_per_byte(), reference.bits_per_byte(), 1e-5);
    EXPECT_NEAR(score_windows(read, windows, routed).bits_per_byte(), reference.bits_per_byte(), 1e-5);
  }
}

TEST(score, does_not_depend_on_how_a_window_is_read) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const split_model split{weights, 4};
  const engine::tokenizer words{weights.file()};
  const auto windows = windows_of(random_text(9, 120), words, window_tokens(weights.sizes()));
  const survivors kept(to_size(split.layers()), {0, 2, 3});
  std::vector<double> found;
  for (const index_t batch : {1, 5, 24}) {
    engine::session<engine::model<float>> read{weights, {.batch = batch}};
    workspace work{split.layer(0), {.batch = batch}};
    survivors_on ffn{split, kept, work};
    found.push_back(score_windows(read, windows, ffn).bits_per_byte());
  }
  EXPECT_NEAR(found[0], found[2], 1e-5);
  EXPECT_NEAR(found[1], found[2], 1e-5);
}

TEST(score, changes_when_experts_go) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const split_model split{weights, 4};
  const engine::tokenizer words{weights.file()};
  const auto windows = windows_of(random_text(9, 120), words, window_tokens(weights.sizes()));
  engine::session<engine::model<float>> read{weights};
  workspace work{split.layer(0), {.batch = read.batch()}};
  const survivors everybody(to_size(split.layers()), split.all_experts()), few(to_size(split.layers()), {1});
  survivors_on all{split, everybody, work}, some{split, few, work};
  survivors_routed routed{split, everybody, 1, work};
  const double whole = score_windows(read, windows, all).bits;
  EXPECT_GT(std::abs(score_windows(read, windows, some).bits - whole), 1e-3);
  EXPECT_GT(std::abs(score_windows(read, windows, routed).bits - whole), 1e-3);
}

TEST(split_model, wants_at_least_two_experts) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  expect_says(message_of<setting_error>([&] { split_model(weights, 1); }), {"--experts", "2 to 64"});
  expect_says(message_of<setting_error>([&] { split_model(weights, 65); }), {"experts", "64"});
}

}  // namespace
