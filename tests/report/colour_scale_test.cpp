#include <fissile/report/colour_scale.hpp>

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

TEST(colour_scale, ends_are_those_of_viridis) {
  EXPECT_EQ(viridis(0), (colour{68, 1, 84}));
  EXPECT_EQ(viridis(1), (colour{253, 231, 37}));
  EXPECT_EQ(viridis(0.5), (colour{33, 145, 140}));
}

TEST(colour_scale, lightness_only_grows) {
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(lightness(viridis(i / 1000.0)), lightness(viridis((i + 5) / 1000.0)) + 1e-9) << i;
    EXPECT_GE(lightness(viridis((i + 1) / 1000.0)), lightness(viridis(i / 1000.0)) - 1.0) << "rounding of one colour";
  }
  EXPECT_GT(lightness(viridis(1)) - lightness(viridis(0)), 180);
}

TEST(colour_scale, outside_takes_the_nearer_end) {
  const double infinite = std::numeric_limits<double>::infinity();
  EXPECT_EQ(viridis(-1), viridis(0));
  EXPECT_EQ(viridis(-infinite), viridis(0));
  EXPECT_EQ(viridis(2), viridis(1));
  EXPECT_EQ(viridis(infinite), viridis(1));
  EXPECT_EQ(viridis(std::numeric_limits<double>::quiet_NaN()), viridis(0));
}

TEST(colour_scale, is_written_in_hexadecimal) {
  EXPECT_EQ(to_string(colour{0, 171, 255}), "#00abff");
}

}  // namespace
}  // namespace fissile
