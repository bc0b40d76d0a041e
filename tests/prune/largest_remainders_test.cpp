#include <fissile/base/random.hpp>
#include <fissile/prune/largest_remainders.hpp>

#include <gtest/gtest.h>

#include <numeric>

namespace fissile {
namespace {

std::vector<index_t> dealt(const std::vector<bounded_share>& shares, index_t total) {
  return largest_remainders(shares, total);
}

TEST(largest_remainders, by_hand) {
  EXPECT_EQ(dealt({{2, 8, 8}, {3, 8, 8}}, 5), (std::vector<index_t>{2, 3}));
  EXPECT_EQ(dealt({{2.25, 8, 8}, {2.75, 8, 8}}, 5), (std::vector<index_t>{2, 3}));
  EXPECT_EQ(dealt({{2.5, 8, 8}, {2.5, 8, 8}}, 5), (std::vector<index_t>{3, 2})) << "ties: the lower layer";
  EXPECT_EQ(dealt({{1, 8, 8}, {1, 8, 8}, {1, 8, 8}}, 4), (std::vector<index_t>{2, 1, 1}));
  EXPECT_EQ(dealt({{6, 8, 3}, {2, 8, 8}}, 8), (std::vector<index_t>{3, 5})) << "what does not fit goes elsewhere";
  EXPECT_EQ(dealt({{-3, 8, 8}, {5, 8, 8}}, 4), (std::vector<index_t>{0, 4})) << "nothing below zero";
  EXPECT_EQ(dealt({{1, 8, 8}, {1, 8, 8}}, 0), (std::vector<index_t>{0, 0}));
  EXPECT_EQ(dealt({{0, 8, 7}, {0, 8, 5}}, 12), (std::vector<index_t>{7, 5}));
  EXPECT_EQ(dealt({}, 0), std::vector<index_t>{});
}

TEST(largest_remainders, the_last_bit_of_arithmetic_decides_nothing) {
  const double below = std::nextafter(2.5, 0.0), above = std::nextafter(2.5, 3.0);
  for (const double first : {below, 2.5, above}) {
    for (const double second : {below, 2.5, above}) {
      EXPECT_EQ(dealt({{first, 10, 10}, {second, 10, 10}}, 5), (std::vector<index_t>{3, 2}));
    }
  }
  const double almost = std::nextafter(3.0, 0.0);
  EXPECT_EQ(dealt({{almost, 10, 10}, {almost, 10, 10}}, 6), (std::vector<index_t>{3, 3}));
}

TEST(largest_remainders, shares_too_wild_for_arithmetic_keep_total_and_bounds) {
  EXPECT_EQ(dealt({{1e17, 8, 8}, {-1e17, 8, 8}}, 9), (std::vector<index_t>{8, 1}));
  EXPECT_EQ(dealt({{1e308, 1, 1}, {-1e308, 1, 1}, {0, 4, 3}}, 5), (std::vector<index_t>{1, 1, 3}));
}

TEST(largest_remainders, total_is_exact_and_no_layer_is_further_off_than_it_must_be) {
  random_source random{21};
  for (index_t round = 0; round < 500; ++round) {
    std::vector<bounded_share> shares;
    index_t most = 0;
    for (index_t i = 1 + random.below(12); i > 0; --i) {
      const index_t size = 1 + random.below(60);
      shares.push_back({random.uniform() * 1.6 * static_cast<double>(size) - 0.3 * static_cast<double>(size), size,
                        random.below(size + 1)});
      most += shares.back().bound;
    }
    const index_t total = random.below(most + 1);
    const std::vector<index_t> whole = dealt(shares, total);
    ASSERT_EQ(std::accumulate(whole.begin(), whole.end(), index_t{0}), total);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      ASSERT_GE(whole[i], 0);
      ASSERT_LE(whole[i], shares[i].bound);
      // c, the common shift, lies between what the layer would need with one expert less and with one more.
      for (std::size_t j = 0; j < shares.size(); ++j) {
        if (whole[j] == 0 || whole[i] == shares[i].bound) continue;
        const auto shift = [&](std::size_t at, index_t count) {
          return (static_cast<double>(count) - shares[at].wanted) / static_cast<double>(shares[at].size);
        };
        ASSERT_LT(shift(j, whole[j] - 1), shift(i, whole[i] + 1) + 1e-8) << "round " << round;
      }
    }
  }
}

}  // namespace
}  // namespace fissile
