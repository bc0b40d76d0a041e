// Values as text.
#include <fissile/partition/even_slices.hpp>
#include <fissile/with/fmt.hpp>

#include <gtest/gtest.h>

namespace {

TEST(with_fmt, routes_and_choices) {
  fissile::route chosen{3};
  EXPECT_EQ(fmt::format("{}", chosen), "[]");
  chosen.append({2, 1.0f});
  chosen.append({7, 0.25f});
  EXPECT_EQ(fmt::format("{}", chosen), "[2 x1, 7 x0.25]");
  EXPECT_EQ(fmt::format("{:.1f}", chosen), "[2 x1.0, 7 x0.2]");
}

TEST(with_fmt, partitions) {
  EXPECT_EQ(fmt::format("{}", fissile::even_slices{}.split(512, 32)), "512 neurons in 32 experts of 16");
  EXPECT_EQ(fmt::format("{}", fissile::even_slices{}.split(7, 2)), "7 neurons in 2 experts of 3 to 4");
  EXPECT_EQ(fmt::format("{}", fissile::partition{{{0}, {1}}, {1}}), "2 neurons in 2 experts of 1, 1 shared");
}

}  // namespace
