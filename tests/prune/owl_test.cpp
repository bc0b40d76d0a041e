#include <fissile/base/random.hpp>
#include <fissile/prune/owl.hpp>

#include "file/temporary.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

namespace fissile {
namespace {

static_assert(budget<owl>);

TEST(owl, level_is_the_per_cent_of_scores_far_above_their_mean) {
  const std::vector<double> scores{1, 1, 1, 1, 1, 1, 1, 1, 1, 21};  // mean 3
  EXPECT_EQ(outlier_level(scores), 10.0);
  EXPECT_EQ(outlier_level(scores, 7), 0.0) << "21 is not above 21";
  EXPECT_EQ(outlier_level(scores, 0.1), 100.0);
  EXPECT_EQ(outlier_level({}), 0.0);
}

TEST(owl, rates_are_those_of_the_authors_code) {
  random_source random{41};
  for (index_t round = 0; round < 100; ++round) {
    owl rule{.rate = 0.2 + 0.5 * random.uniform(), .lambda = 0.2 * random.uniform()};
    for (index_t layer = 2 + random.below(30); layer > 0; --layer) rule.levels.push_back(5 * random.uniform());
    const auto [lowest, highest] = std::minmax_element(rule.levels.begin(), rule.levels.end());
    std::vector<double> keep;
    for (double level : rule.levels) keep.push_back((level - *lowest) / (*highest - *lowest) * 2 * rule.lambda);
    const double mean = std::accumulate(keep.begin(), keep.end(), 0.0) / static_cast<double>(keep.size());
    const std::vector<double> rates = rule.raw_rates();
    double sum = 0;
    for (std::size_t layer = 0; layer < keep.size(); ++layer) {
      EXPECT_NEAR(rates[layer], 1 - (keep[layer] - mean + (1 - rule.rate)), 1e-12);
      sum += rates[layer];
    }
    EXPECT_NEAR(sum / static_cast<double>(rates.size()), rule.rate, 1e-12);
    const auto [least, most] = std::minmax_element(rates.begin(), rates.end());
    EXPECT_NEAR(*most - *least, 2 * rule.lambda, 1e-12);
  }
}

TEST(owl, rates_stay_within_lambda_as_the_paper_says_where_asked) {
  random_source random{42};
  bool code_goes_beyond = false;
  for (index_t round = 0; round < 100; ++round) {
    owl rule{.rate = 0.5, .lambda = 0.01 + 0.2 * random.uniform()};
    for (index_t layer = 2 + random.below(30); layer > 0; --layer) rule.levels.push_back(5 * random.uniform());
    const auto furthest = [&] {
      double found = 0;
      for (const double rate : rule.raw_rates()) found = std::max(found, std::abs(rate - rule.rate));
      return found;
    };
    code_goes_beyond = code_goes_beyond || furthest() > rule.lambda + 1e-9;
    const std::vector<double> code = rule.raw_rates();
    rule.spread = rate_spread::lambda_around_rate;
    const std::vector<double> paper = rule.raw_rates();
    EXPECT_NEAR(furthest(), rule.lambda, 1e-12);
    EXPECT_NEAR(std::accumulate(paper.begin(), paper.end(), 0.0) / static_cast<double>(paper.size()), 0.5, 1e-12);
    for (std::size_t layer = 1; layer < paper.size(); ++layer) {
      EXPECT_NEAR((paper[layer] - 0.5) * (code[0] - 0.5), (paper[0] - 0.5) * (code[layer] - 0.5), 1e-12)
          << "the same but for the scale";
    }
  }
  EXPECT_TRUE(code_goes_beyond);
  EXPECT_EQ(lambda_within(std::vector<double>{2, 2, 2}, 0.1), 0.1);
  EXPECT_EQ(lambda_within({}, 0.1), 0.1);
}

TEST(owl, total_is_exact_and_refusals_are_its_own) {
  const std::vector<layer_size> layers(4, {.experts = 48, .shared = 0});
  const std::vector<index_t> removed = (owl{.rate = 0.25, .levels = {1, 2, 3, 9}}).removals(layers);
  EXPECT_EQ(std::accumulate(removed.begin(), removed.end(), index_t{0}), 48);
  EXPECT_GT(removed[0], removed[3]);
  testing::expect_says(testing::message_of<shape_error>([&] { (owl{.rate = 0.25, .levels = {1}}).removals(layers); }),
                       {"owl: levels"});
  testing::expect_says(testing::message_of<setting_error>([&] {
                         (owl{.rate = 0.25, .levels = {1, 2, 3, 9}, .lambda = 0.6}).removals(layers);
                       }),
                       {"owl: lambda", "from 0 to 0.5", "got 0.6"});
  EXPECT_EQ((owl{.rate = 0.7}).name(), "owl(0.7, lambda 0.08)");
}

TEST(outlier_level, a_score_that_is_nan_does_not_count) {
  std::vector<double> scores(100, 1.0);
  scores[7] = 1000;
  EXPECT_EQ(outlier_level(scores), 1);
  scores.push_back(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(outlier_level(scores), 1);
  EXPECT_EQ(outlier_level(std::vector<double>{std::numeric_limits<double>::quiet_NaN()}), 0);
}

}  // namespace
}  // namespace fissile
