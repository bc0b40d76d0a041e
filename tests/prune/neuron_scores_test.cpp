#include <fissile/partition/even_slices.hpp>
#include <fissile/prune/apply.hpp>
#include <fissile/prune/budgets.hpp>
#include <fissile/prune/decide.hpp>
#include <fissile/prune/neuron_scores.hpp>
#include <fissile/prune/wanda.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include "file/temporary.hpp"
#include "support/random_samples.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

static_assert(judge<keep_highest>);

TEST(neuron_scores, are_sums_over_the_rows_and_the_column_of_each_neuron) {
  random_source random{281};
  for (index_t round = 0; round < 40; ++round) {
    const auto ffn = testing::random_ffn<bf16>(random, testing::random_shape(random));
    const auto x = testing::measured<input_moments>(testing::random_samples(random, ffn.width, 3));
    const auto h = testing::measured<input_moments>(testing::random_samples(random, ffn.neurons, 3));
    const std::vector<double> found = score_neurons(ffn.view(), wanda{x}, wanda{h});
    ASSERT_EQ(length(found), ffn.neurons);
    for (index_t n = 0; n < ffn.neurons; ++n) {
      double sum = 0;
      for (index_t i = 0; i < ffn.width; ++i) {
        const double input = std::sqrt(x.mean_square(i)), hidden = std::sqrt(h.mean_square(n));
        const auto size = [](bf16 number) { return std::abs(static_cast<double>(to_float(number))); };
        if (!ffn.gate.empty()) sum += size(ffn.gate[to_size(n * ffn.width + i)]) * input;
        sum += size(ffn.up[to_size(n * ffn.width + i)]) * input;
        sum += size(ffn.down[to_size(i * ffn.neurons + n)]) * hidden;
      }
      ASSERT_NEAR(found[to_size(n)], sum, 1e-12 * sum);
    }
  }
}

TEST(neuron_scores, the_judge_sums_them_over_experts) {
  const keep_highest by{{.score = "wanda(de)", .layers = {{}, {1, 2, 4, 8, 16}}, .from = {"de", 12}}};
  const std::vector<standing> standings = by.standings(1, partition{{{0, 4}, {1, 2}, {3}}});
  EXPECT_EQ(standings[0].value, 17.0);
  EXPECT_EQ(standings[1].value, 6.0);
  EXPECT_EQ(standings[2].value, 8.0);
  EXPECT_EQ(standings[0].reason, "wanda(de) 17 over 2 neurons");
  EXPECT_EQ(standings[2].reason, "wanda(de) 8 over 1 neuron");
  EXPECT_EQ(by.name(), "keep_highest(wanda(de))");
  EXPECT_EQ(by.seen(), (evidence{"de", 12}));
}

/// The way from weight evidence to a smaller layer, a neuron at a time; it equals the layer with those neurons masked.
TEST(neuron_scores, cut_for_real_what_a_mask_would_only_zero) {
  random_source random{282};
  for (index_t round = 0; round < 20; ++round) {
    const auto ffn = testing::random_ffn<float>(random, {.width = 12, .neurons = 40});
    const auto x = testing::measured<input_moments>(testing::random_samples(random, 12, 3), "de");
    const auto h = testing::measured<input_moments>(testing::random_samples(random, 40, 3), "de");
    const neuron_scores scores{
        .score = "wanda(de)", .layers = {score_neurons(ffn.view(), wanda{x}, wanda{h})}, .from = wanda{x}.seen()};
    const std::vector<partition> each{even_slices{}.split(40, 40)};
    const verdict decided = decide(keep_highest{scores}, uniform{.rate = 0.3}, each);
    const pruned_ffn<float> pruned = apply(ffn.view(), each[0], decided, 0);
    ASSERT_EQ(pruned.ffn.neurons, 28);
    EXPECT_EQ(pruned.report.after.parameters * 40, pruned.report.before.parameters * 28);
    EXPECT_EQ(decided.corpus, "de");

    std::vector<index_t> order = ascending(40);
    std::stable_sort(order.begin(), order.end(),
                     [&](index_t a, index_t b) { return scores.layers[0][to_size(a)] > scores.layers[0][to_size(b)]; });
    std::sort(order.begin(), order.begin() + 28);
    EXPECT_EQ(pruned.kept_neurons, (std::vector<index_t>(order.begin(), order.begin() + 28)));

    owned_ffn<float> masked = ffn;
    for (index_t neuron : decided.removed(0)) {
      for (index_t i = 0; i < 12; ++i) masked.down[to_size(i * 40 + neuron)] = 0;
    }
    const auto tokens = testing::random_numbers<float>(random, 5 * 12);
    std::vector<float> smaller(tokens.size()), zeroed(tokens.size());
    dense_ffn(pruned.ffn.view(), silu{}, {tokens.data(), 5, 12}, {smaller.data(), 5, 12});
    dense_ffn(masked.view(), silu{}, {tokens.data(), 5, 12}, {zeroed.data(), 5, 12});
    EXPECT_EQ(smaller, zeroed);
  }
}

TEST(neuron_scores, refuse_what_does_not_fit) {
  random_source random{283};
  const auto ffn = testing::random_ffn<float>(random, {.width = 3, .neurons = 5});
  const auto x = testing::measured<input_moments>(testing::random_samples(random, 3, 2));
  expect_says(message_of<shape_error>([&] { score_neurons(ffn.view(), wanda{x}, wanda{x}); }), {"wanda", "got 5"});
  const keep_highest by{{.score = "score", .layers = {{1, 2}}}};
  expect_says(message_of<setting_error>([&] { by.standings(1, partition{{{0}, {1}}}); }), {"1 layers", "got 1"});
  expect_says(message_of<shape_error>([&] { by.standings(0, partition{{{0}}}); }), {"1 neurons", "got 2"});
  const keep_highest damaged{{.score = "score", .layers = {{1, std::numeric_limits<double>::quiet_NaN()}}}};
  const std::vector<partition> both{partition{{{0}, {1}}}};
  expect_says(message_of<setting_error>([&] { decide(damaged, uniform{.rate = 0.5}, both); }), {"expert 1", "NaN"});
}

}  // namespace
}  // namespace fissile
