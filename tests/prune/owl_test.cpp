#include <fissile/base/random.hpp>
#include <fissile/prune/owl.hpp>

#include "file/temporary.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace fissile
