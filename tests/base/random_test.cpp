// Seeds mean the same numbers everywhere: the values below are part of what the library promises.
#include <fissile/base/random.hpp>

#include "base/refusal.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

namespace fissile {
namespace {

/// From the published splitmix64 program (Vigna, 2015).
TEST(random_source, known_values) {
  random_source zero{0};
  EXPECT_EQ(zero.bits(), 0xe220a8397b1dcdafu);
  EXPECT_EQ(zero.bits(), 0x6e789e6aa1b965f4u);
  EXPECT_EQ(zero.bits(), 0x06c45d188009454fu);
  random_source other{1234567};
  EXPECT_EQ(other.bits(), 6457827717110365317u);
  EXPECT_EQ(other.bits(), 3203168211198807973u);
  EXPECT_EQ(other.bits(), 9817491932198370423u);
}

TEST(random_source, known_draws) {
  random_source random{42};
  std::array<index_t, 8> drawn{};
  for (index_t& draw : drawn) draw = random.below(1000);
  EXPECT_EQ(drawn, (std::array<index_t, 8>{413, 291, 858, 764, 250, 62, 925, 908}));
  EXPECT_EQ(random_source{0}.uniform(), static_cast<double>(0xe220a8397b1dcdafu >> 11) / 9007199254740992.0);
  static_assert(random_source{5}.bits() == random_source{5}.bits());
}

TEST(random_source, uniform_stays_inside_and_spreads) {
  random_source random{7};
  double least = 1, most = 0, sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double u = random.uniform();
    least = std::min(least, u);
    most = std::max(most, u);
    sum += u;
  }
  EXPECT_GE(least, 0.0);
  EXPECT_LT(most, 1.0);
  EXPECT_LT(least, 1e-3);
  EXPECT_GT(most, 1 - 1e-3);
  EXPECT_NEAR(sum / 100'000, 0.5, 0.005);  // five standard errors
}

TEST(random_source, below_has_no_bias) {
  random_source random{8};
  for (const index_t bound : {index_t{1}, index_t{2}, index_t{3}, index_t{7}, index_t{10}}) {
    std::vector<int> seen(to_size(bound), 0);
    for (int i = 0; i < 70'000; ++i) {
      const index_t draw = random.below(bound);
      ASSERT_TRUE(draw >= 0 && draw < bound);
      ++seen[to_size(draw)];
    }
    const double share = 70'000.0 / static_cast<double>(bound);
    for (int count : seen) EXPECT_NEAR(count, share, 5 * std::sqrt(share) + 1e-9);
  }
}

/// With a bound of 3/4 of 2^63 a plain remainder would draw 3 of 8 from the lower third.
TEST(random_source, below_has_no_bias_for_a_huge_bound) {
  random_source random{9};
  const index_t bound = std::numeric_limits<index_t>::max() / 4 * 3;
  int low = 0;
  for (int i = 0; i < 30'000; ++i) low += random.below(bound) < bound / 3 ? 1 : 0;
  EXPECT_NEAR(low, 10'000, 5 * 82);
}

TEST(random_source_death, below_wants_a_positive_bound) {
  EXPECT_CONTRACT(random_source{1}.below(0));
  EXPECT_CONTRACT(random_source{1}.below(-3));
}

TEST(random_source, normal_has_mean_0_and_variance_1) {
  random_source random{10};
  double sum = 0, squares = 0, fourths = 0;
  constexpr int draws = 100'000;
  for (int i = 0; i < draws; ++i) {
    const double z = random.normal();
    ASSERT_TRUE(std::isfinite(z));
    sum += z;
    squares += z * z;
    fourths += z * z * z * z;
  }
  EXPECT_NEAR(sum / draws, 0, 0.016);
  EXPECT_NEAR(squares / draws, 1, 0.023);
  EXPECT_NEAR(fourths / draws, 3, 0.16);
}

TEST(shuffle, is_a_permutation_and_every_order_is_as_likely) {
  random_source random{11};
  std::array<int, 24> seen{};
  for (int i = 0; i < 24'000; ++i) {
    std::vector<int> order{0, 1, 2, 3};
    shuffle(order, random);
    int rank = 0;
    for (int a = 0; a < 4; ++a) {
      int smaller = 0;
      for (int b = a + 1; b < 4; ++b)
        smaller += order[static_cast<std::size_t>(b)] < order[static_cast<std::size_t>(a)] ? 1 : 0;
      rank = rank * (4 - a) + smaller;
    }
    ++seen[static_cast<std::size_t>(rank)];
    std::sort(order.begin(), order.end());
    ASSERT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
  }
  for (int count : seen) EXPECT_NEAR(count, 1000, 160);
}

TEST(shuffle, known_order) {
  std::vector<int> order(10);
  std::iota(order.begin(), order.end(), 0);
  random_source random{42};
  shuffle(order, random);
  EXPECT_EQ(order, (std::vector<int>{0, 9, 5, 8, 6, 4, 7, 2, 1, 3}));
  std::vector<int> none;
  shuffle(none, random);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace fissile
