#include <fissile/route/squashes.hpp>

#include "route/scored.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace fissile {
namespace {

using testing::difficult_scores;
using testing::infinite;
using testing::not_a_number;

template <squash Squash>
std::vector<float> squashed(const Squash& policy, std::vector<float> scores) {
  policy(vector_view<float>(scores));
  return scores;
}

template <class Squash>
class squashes : public ::testing::Test {};
using all_squashes = ::testing::Types<sigmoid, softmax, relu_squash, no_squash>;
TYPED_TEST_SUITE(squashes, all_squashes);

TYPED_TEST(squashes, keep_the_order_and_nan_spoils_only_itself) {
  random_source random{1};
  for (int trial = 0; trial < 2000; ++trial) {
    const std::vector<float> scores = difficult_scores(random, 1 + random.below(12));
    const std::vector<float> values = squashed(TypeParam{}, scores);
    std::vector<float> without;  // the same token had the experts with NaN not been there
    for (float score : scores) {
      if (!std::isnan(score)) without.push_back(score);
    }
    without = squashed(TypeParam{}, without);
    std::size_t at = 0;
    for (std::size_t a = 0; a < scores.size(); ++a) {
      ASSERT_EQ(std::isnan(values[a]), std::isnan(scores[a]));
      if (std::isnan(scores[a])) continue;
      ASSERT_EQ(values[a], without[at++]);
      for (std::size_t b = 0; b < scores.size(); ++b) {
        ASSERT_TRUE(!(scores[a] <= scores[b]) || values[a] <= values[b]) << scores[a] << ' ' << scores[b];
      }
    }
  }
}

TYPED_TEST(squashes, of_no_scores_do_nothing) {
  EXPECT_EQ(squashed(TypeParam{}, {}), std::vector<float>{});
}

TEST(sigmoid, equals_its_formula) {
  random_source random{2};
  for (int trial = 0; trial < 2000; ++trial) {
    const auto score = static_cast<float>(8 * random.normal());
    const long double exact = 1 / (1 + std::exp(-static_cast<long double>(score)));
    EXPECT_NEAR(static_cast<double>(squashed(sigmoid{}, {score})[0]), static_cast<double>(exact), 1.3e-7);
    EXPECT_NEAR(sigmoid::of(static_cast<double>(score)), static_cast<double>(exact), 3e-16);
  }
  EXPECT_EQ(squashed(sigmoid{}, {0, infinite, -infinite, 1e30f, -1e30f}), (std::vector<float>{0.5f, 1, 0, 1, 0}));
}

TEST(softmax, equals_its_formula) {
  random_source random{3};
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<float> scores(to_size(1 + random.below(40)));
    const double offset = 200 * random.normal();  // beyond what exp can do
    for (float& score : scores) score = static_cast<float>(offset + 3 * random.normal());
    long double sum = 0;
    for (float score : scores) sum += std::exp(static_cast<long double>(score));
    const std::vector<float> values = squashed(softmax{}, scores);
    float total = 0;
    for (std::size_t e = 0; e < scores.size(); ++e) {
      const long double exact = std::exp(static_cast<long double>(scores[e])) / sum;
      EXPECT_NEAR(static_cast<double>(values[e]), static_cast<double>(exact),
                  1e-6 * static_cast<double>(exact) + 1e-30);
      total += values[e];
    }
    EXPECT_NEAR(total, 1, 1e-5);
  }
}

TEST(softmax, of_odd_scores) {
  EXPECT_EQ(squashed(softmax{}, {infinite, 1, infinite, -infinite}), (std::vector<float>{0.5f, 0, 0.5f, 0}));
  EXPECT_EQ(squashed(softmax{}, {-infinite, 5, -infinite}), (std::vector<float>{0, 1, 0}));
  EXPECT_EQ(squashed(softmax{}, {-infinite, -infinite}), (std::vector<float>{0, 0}));
  EXPECT_EQ(squashed(softmax{}, {3e38f, 3e38f, -3e38f}), (std::vector<float>{0.5f, 0.5f, 0}));
  const std::vector<float> values = squashed(softmax{}, {not_a_number, 2, 2});
  EXPECT_TRUE(std::isnan(values[0]));
  EXPECT_EQ(values[1], 0.5f);
  EXPECT_TRUE(std::isnan(squashed(softmax{}, {not_a_number})[0]));
}

TEST(relu_squash, cuts_at_0) {
  EXPECT_EQ(squashed(relu_squash{}, {-1, 0, 2, -infinite, infinite}), (std::vector<float>{0, 0, 2, 0, infinite}));
}

TEST(no_squash, changes_no_bit) {
  random_source random{4};
  const std::vector<float> scores = difficult_scores(random, 50);
  EXPECT_EQ(std::memcmp(squashed(no_squash{}, scores).data(), scores.data(), 50 * sizeof(float)), 0);
}

}  // namespace
}  // namespace fissile
