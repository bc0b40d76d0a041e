// Pruned models as the study measures them: what stayed, what layers do wrong, and how likely texts are, against plain
// loops.
#include <pruning/layer_error.hpp>
#include <pruning/pruner.hpp>

#include <engine/feed_forward.hpp>

#include <gtest/gtest.h>

#include "../unravel/samples.hpp"

namespace fissile::pruning_study {
namespace {

TEST(pruner, keeps_as_many_as_the_rate_says) {
  const testing::model_file file;
  const engine::model<float> weights{file.path()};
  const engine::tokenizer words{weights.file()};
  const engine::architecture& sizes = weights.sizes();
  const index_t attention = 2 * sizes.width * (sizes.query_width() + sizes.key_width());
  const auto whole = to_size(sizes.layers * (attention + 3 * sizes.width * sizes.neurons));
  for (const double rate : {0.25, 0.5}) {
    const auto by_size = kept_of(prune(weights, words, {.how = method::magnitude, .rate = rate}, {}));
    EXPECT_EQ(by_size.size(), whole);
    EXPECT_EQ(static_cast<double>(std::count(by_size.begin(), by_size.end(), 0)), rate * static_cast<double>(whole));
    const unravel::pruned_model narrow = prune(weights, words, {.how = method::neurons_random, .rate = rate}, {});
    const auto neurons = kept_of(narrow);
    EXPECT_EQ(neurons.size(), to_size(sizes.layers * sizes.neurons));
    const auto gone = static_cast<double>(std::count(neurons.begin(), neurons.end(), 0));
    EXPECT_EQ(gone, rate * static_cast<double>(neurons.size()));
    EXPECT_EQ(narrow.model.ffn(1).neurons(), sizes.neurons - static_cast<index_t>(gone) / sizes.layers);
  }
  const auto lot = [&](std::uint64_t seed) {
    return kept_of(prune(weights, words, {.how = method::random, .rate = 0.5, .seed = seed}, {}));
  };
  EXPECT_EQ(lot(1), lot(1));
  EXPECT_NEAR(overlap_of(lot(1), lot(2)), 1.0 / 3, 0.02) << "two halves drawn at random";
}

TEST(pruner, overlap_is_intersection_over_union) {
  random_source random{5};
  for (int round = 0; round < 20; ++round) {
    std::vector<char> a, b;
    int both = 0, either = 0;
    for (index_t i = 0; i < 1 + random.below(60); ++i) {
      a.push_back(static_cast<char>(random.below(2)));
      b.push_back(static_cast<char>(random.below(2)));
      if (a.back() + b.back() == 2) ++both;
      if (a.back() + b.back() > 0) ++either;
    }
    EXPECT_DOUBLE_EQ(overlap_of(a, b), either == 0 ? 1.0 : static_cast<double>(both) / either);
    EXPECT_DOUBLE_EQ(overlap_of(a, b), overlap_of(b, a));
  }
}

TEST(layer_error, is_that_of_plain_loops) {
  const testing::model_file file;
  const engine::model<float> weights{file.path()};
  const engine::tokenizer words{weights.file()};
  const layer_probe probe = probe_layers(weights, words, testing::random_text(3, 60), 12);
  ASSERT_EQ(length(probe.inputs), weights.sizes().layers);
  const unravel::pruned_model done = prune(weights, words, {.how = method::neurons_magnitude, .rate = 0.5}, {});
  const std::vector<double> errors = layer_errors(probe, done.model);
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
    const matrix_view<const float> x = probe.input(layer);
    ASSERT_EQ(x.rows(), 12);
    std::vector<double> before(to_size(x.rows() * x.columns())), after = before;
    dense_ffn<double, float>(weights.ffn(layer), silu{}, x, {before.data(), x.rows(), x.columns()});
    dense_ffn<double, float>(done.model.ffn(layer), silu{}, x, {after.data(), x.rows(), x.columns()});
    double apart = 0, whole = 0;
    for (std::size_t i = 0; i < before.size(); ++i) {
      apart += (before[i] - after[i]) * (before[i] - after[i]);
      whole += before[i] * before[i];
    }
    EXPECT_GT(apart, 0);
    EXPECT_NEAR(errors[to_size(layer)], std::sqrt(apart / whole), 1e-5);
  }
  for (const double none : layer_errors(probe, unravel::changed_model{weights})) EXPECT_EQ(none, 0);
}

TEST(reader, scores_ends_as_one_reading_of_the_whole_does) {
  const testing::model_file file;
  const engine::model<float> weights{file.path()};
  const engine::tokenizer words{weights.file()};
  const choice_item item{.context = "abc de", .ends = {"fgh", "ijk n", "p", "fgh"}, .truth = 1};
  reader read{weights, words};
  const std::vector<double> scores = read.score_items({item, item});
  ASSERT_EQ(scores.size(), 8u);
  for (std::size_t end = 0; end < 4; ++end) {
    EXPECT_EQ(scores[end], scores[end + 4]) << "what was read before is forgotten";
    std::vector<engine::token_id> tokens = opened(words, item.context);
    const index_t context = length(tokens);
    for (const engine::token_id token : words.encode(item.ends[end])) tokens.push_back(token);
    engine::session<engine::model<float>> whole{weights};
    engine::dense_feed_forward<float> dense{weights};
    whole(tokens, dense);
    double bits = 0;
    for (index_t i = context; i < length(tokens); ++i) {
      bits -= unravel::surprise(whole.logits().row(i - 1), tokens[to_size(i)]);
    }
    EXPECT_NEAR(scores[end], bits / static_cast<double>(length(tokens) - context), 1e-5);
  }
  EXPECT_EQ(scores[0], scores[3]) << "the same text";
  const choice_item alone{.context = "", .ends = item.ends, .truth = 1};
  EXPECT_EQ(read.score_ends({item}), read.score_items({alone})) << "by themselves, behind nothing";
}

}  // namespace
}  // namespace fissile::pruning_study
