#include <fissile/prune/short_number.hpp>

#include <gtest/gtest.h>

#include <clocale>
#include <limits>

namespace fissile {
namespace {

TEST(short_number, has_at_most_four_digits) {
  EXPECT_EQ(short_number(0.25), "0.25");
  EXPECT_EQ(short_number(0.00312345), "0.003123");
  EXPECT_EQ(short_number(12), "12");
  EXPECT_EQ(short_number(-1234567), "-1.235e+06");
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(-std::numeric_limits<double>::denorm_min()), "-4.941e-324");
  EXPECT_EQ(short_number(std::numeric_limits<double>::infinity()), "inf");
}

TEST(short_number, ordinals) {
  const std::pair<index_t, const char*> expected[] = {
      {1, "1st"},   {2, "2nd"},   {3, "3rd"},   {4, "4th"},   {10, "10th"},   {11, "11th"},   {12, "12th"},
      {13, "13th"}, {21, "21st"}, {42, "42nd"}, {83, "83rd"}, {111, "111th"}, {121, "121st"}, {1012, "1012th"}};
  for (const auto& [place, text] : expected) EXPECT_EQ(ordinal(place), text);
}

}  // namespace
}  // namespace fissile
