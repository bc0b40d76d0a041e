// Agreement of groupings: 1 for the same, 0 in the mean for random ones, and its chance.
#include <fissile/count/adjusted_rand.hpp>

#include <gtest/gtest.h>

#include <cmath>

#include "base/refusal.hpp"

namespace fissile {
namespace adjusted_rand_tests {

grouping random_grouping(random_source& random, index_t things, index_t groups) {
  grouping made;
  for (index_t thing = 0; thing < things; ++thing) made.push_back(random.below(groups));
  return made;
}

/// From the four kinds of pairs (Hubert and Arabie 1985 in the form of Steinley 2004).
double plain_index(const grouping& a, const grouping& b) {
  double both = 0, only_a = 0, only_b = 0, neither = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const bool in_a = a[i] == a[j], in_b = b[i] == b[j];
      (in_a ? (in_b ? both : only_a) : (in_b ? only_b : neither)) += 1;
    }
  }
  const double chance = (both + only_a) * (only_a + neither) + (both + only_b) * (only_b + neither);
  return chance == 0 ? 1.0 : 2 * (both * neither - only_a * only_b) / chance;
}

TEST(adjusted_rand, equal_groupings_whatever_their_names) {
  EXPECT_EQ(adjusted_rand({0, 0, 1, 2, 1}, {7, 7, -3, 5, -3}), 1.0);
  EXPECT_EQ(adjusted_rand({0, 1, 2}, {5, 4, 3}), 1.0) << "each by itself";
  EXPECT_EQ(adjusted_rand({0, 0, 0}, {1, 1, 1}), 1.0);
  EXPECT_EQ(adjusted_rand({0}, {1}), 1.0);
  EXPECT_EQ(adjusted_rand({}, {}), 1.0);
}

TEST(adjusted_rand, known_values) {
  EXPECT_NEAR(adjusted_rand({0, 0, 1, 1}, {0, 0, 1, 2}), 4.0 / 7, 1e-15);  // as scikit-learn's manual has it
  EXPECT_NEAR(adjusted_rand({0, 0, 0, 0}, {0, 1, 2, 3}), 0.0, 1e-15);
  EXPECT_NEAR(adjusted_rand({0, 0, 1, 1}, {0, 1, 0, 1}), -0.5, 1e-15);
}

TEST(adjusted_rand, as_plain_pairs_say_and_symmetric) {
  random_source random{8};
  for (int round = 0; round < 200; ++round) {
    const index_t things = 2 + random.below(20);
    const grouping a = random_grouping(random, things, 1 + random.below(6));
    const grouping b = random_grouping(random, things, 1 + random.below(6));
    EXPECT_NEAR(adjusted_rand(a, b), plain_index(a, b), 1e-12);
    EXPECT_EQ(adjusted_rand(a, b), adjusted_rand(b, a));
    EXPECT_LE(adjusted_rand(a, b), 1.0);
  }
}

TEST(adjusted_rand, about_nothing_for_random_groupings) {
  random_source random{9};
  double sum = 0;
  constexpr int rounds = 2000;
  for (int round = 0; round < rounds; ++round) {
    sum += adjusted_rand(random_grouping(random, 19, 5), random_grouping(random, 19, 5));
  }
  EXPECT_NEAR(sum / rounds, 0.0, 0.01);  // one index deviates by about 0.09
}

TEST(adjusted_rand, chance_of_a_perfect_agreement) {
  // Of the 3 ways to make two pairs of four things, one is theirs.
  EXPECT_NEAR(permutation_p({0, 0, 1, 1}, {0, 0, 1, 1}, {.draws = 20000}), 1.0 / 3, 0.01);
  const grouping families{0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1};
  const double p = permutation_p(families, families, {.draws = 20000});
  EXPECT_LT(p, 0.006);  // 2 of the 924 ways
  EXPECT_GE(p, 1.0 / 20001);
  EXPECT_EQ(permutation_p({0, 0, 0}, {0, 1, 2}), 1.0) << "no draw can agree less";
}

TEST(adjusted_rand, chances_of_random_groupings_are_not_small) {
  random_source random{10};
  int small = 0;
  for (int round = 0; round < 300; ++round) {
    const grouping a = random_grouping(random, 16, 4), b = random_grouping(random, 16, 4);
    small += permutation_p(a, b, {.draws = 199, .seed = 5}) <= 0.05 ? 1 : 0;
  }
  EXPECT_LT(small, 28);  // 15 expected, 3.8 the deviation
}

TEST(adjusted_rand, the_same_seed_gives_the_same_chance) {
  const grouping a{0, 1, 1, 0, 2, 2, 0}, b{0, 1, 1, 2, 2, 0, 0};
  EXPECT_EQ(permutation_p(a, b, {.draws = 500, .seed = 3}), permutation_p(a, b, {.draws = 500, .seed = 3}));
}

TEST(adjusted_rand, different_things_and_no_draws_are_refused) {
  EXPECT_THROW(static_cast<void>(adjusted_rand({0, 1}, {0})), shape_error);
  EXPECT_NE(testing::refusal<setting_error>([] {
              static_cast<void>(permutation_p({0, 1}, {0, 1}, {.draws = 0}));
            }).find("draws"),
            std::string::npos);
}

}  // namespace adjusted_rand_tests
}  // namespace fissile
