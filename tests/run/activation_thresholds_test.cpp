#include <fissile/run/activation_thresholds.hpp>

#include <gtest/gtest.h>

namespace fissile {
namespace {

TEST(skipped_counts, add_up_and_tell_what_was_done) {
  EXPECT_EQ(skipped_counts{}.active_share(), 1.0);
  skipped_counts sum{
      .tokens = 1, .gate_inputs = 2, .up_inputs = 3, .neurons = 4, .down_inputs = 5, .products = 6, .dense = 20};
  sum +=
      {.tokens = 10, .gate_inputs = 20, .up_inputs = 30, .neurons = 40, .down_inputs = 50, .products = 9, .dense = 40};
  EXPECT_EQ(sum, (skipped_counts{.tokens = 11,
                                 .gate_inputs = 22,
                                 .up_inputs = 33,
                                 .neurons = 44,
                                 .down_inputs = 55,
                                 .products = 15,
                                 .dense = 60}));
  EXPECT_EQ(sum.active_share(), 0.25);
}

TEST(activation_thresholds, leave_nothing_out_unless_told) {
  constexpr activation_thresholds off;
  EXPECT_LT(off.gate_input, 0);
  EXPECT_LT(off.up_input, 0);
  EXPECT_LT(off.activated, 0);
  EXPECT_LT(off.down_input, 0);
}

}  // namespace
}  // namespace fissile
