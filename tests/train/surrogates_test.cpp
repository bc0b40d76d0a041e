#include <fissile/train/surrogates.hpp>

#include <gtest/gtest.h>

namespace fissile {
namespace {

/// The least a surrogate must have.
struct half {
  float slope(float, activity) const noexcept { return 0.5f; }
};
struct may_throw {
  float slope(float, activity) const { return 1; }
};
struct no_slope {};

static_assert(surrogate<straight_through> && surrogate<clipped> && surrogate<hard> && surrogate<half>);
static_assert(surrogate<straight_through, double> && surrogate<clipped, double> && surrogate<hard, double>);
static_assert(!surrogate<half, double>, "slopes in double are asked for where double is computed in");
static_assert(!surrogate<may_throw> && !surrogate<no_slope>);

TEST(surrogates, straight_through_is_one_everywhere) {
  for (const double v : {0.0, 0.3, 0.5, 1.0}) {
    EXPECT_EQ(straight_through{}.slope(v, activity::inactive), 1.0);
    EXPECT_EQ(straight_through{}.slope(v, activity::active), 1.0);
  }
}

TEST(surrogates, hard_follows_the_state) {
  for (const float v : {0.0f, 0.5f, 1.0f}) {
    EXPECT_EQ(hard{}.slope(v, activity::inactive), 0.0f);
    EXPECT_EQ(hard{}.slope(v, activity::active), 1.0f);
  }
}

TEST(surrogates, clipped_is_one_between_its_ends_and_on_them) {
  const clipped middle{.low = 0.25, .high = 0.75};
  for (const activity state : {activity::inactive, activity::active}) {
    EXPECT_EQ(middle.slope(0.249f, state), 0.0f);
    EXPECT_EQ(middle.slope(0.25f, state), 1.0f);
    EXPECT_EQ(middle.slope(0.5f, state), 1.0f);
    EXPECT_EQ(middle.slope(0.75f, state), 1.0f);
    EXPECT_EQ(middle.slope(0.751f, state), 0.0f);
  }
}

}  // namespace
}  // namespace fissile
