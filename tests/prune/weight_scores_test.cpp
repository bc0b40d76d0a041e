#include <fissile/prune/weight_scores.hpp>

#include <gtest/gtest.h>

namespace fissile {
namespace {

static_assert(weight_score<weight_magnitude> && weight_score<random_weights>);

template <weight_score Score>
std::vector<double> scores_without_text(const Score& by, index_t output, const std::vector<double>& weights) {
  std::vector<double> scores(weights.size(), -1.0);
  by.score(output, weights, scores);
  return scores;
}

TEST(weight_scores, magnitude) {
  EXPECT_EQ(scores_without_text(weight_magnitude{}, 3, {-2, 0, 1.5}), (std::vector<double>{2, 0, 1.5}));
  EXPECT_EQ(weight_magnitude{}.seen(), evidence{});
}

TEST(weight_scores, random_ones_differ_by_row_and_seed_and_not_by_weight) {
  const std::vector<double> row(50, 1.0), other(50, -7.0);
  const auto drawn = scores_without_text(random_weights{.seed = 4}, 2, row);
  EXPECT_EQ(drawn, scores_without_text(random_weights{.seed = 4}, 2, other));
  EXPECT_NE(drawn, scores_without_text(random_weights{.seed = 4}, 3, row));
  EXPECT_NE(drawn, scores_without_text(random_weights{.seed = 5}, 2, row));
  EXPECT_EQ((random_weights{.seed = 5}).name(), "random_weights(5)");
}

}  // namespace
}  // namespace fissile
