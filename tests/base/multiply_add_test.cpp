// Whether products and sums are rounded once or twice is fixed by the instruction set, never by the call site.
#include <fissile/base/multiply_add.hpp>

#include <gtest/gtest.h>

#include <cstring>

namespace fissile {
namespace {

/// What the header says of the flags of this file; that it is so, the tests show.
constexpr bool fused = arithmetic::fused;

/// (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24, a tie that a rounded product loses.
TEST(multiply_add, rounds_once_where_the_instruction_set_fuses_and_twice_elsewhere) {
  const volatile float a = 1 + 0x1p-12f, c = -(1 + 0x1p-11f);
  const float first = a, second = a, third = c;
  EXPECT_EQ(multiply_add(first, second, third), fused ? 0x1p-24f : 0.0f);
  const volatile double wide = 1 + 0x1p-27, rest = -(1 + 0x1p-26);
  const double one = wide, two = wide, three = rest;
  EXPECT_EQ(multiply_add(one, two, three), fused ? 0x1p-54 : 0.0);
}

template <class Group>
void add(float weight, const Group& x, Group& sum) {
  if constexpr (std::same_as<Group, float>) {
    sum = multiply_add(weight, x, sum);
  } else {
    multiply_add(weight, x, sum);
  }
}

TEST(multiply_add, a_group_rounds_as_single_numbers_do) {
  constexpr std::size_t size = sizeof(number_group) / sizeof(float);
  float x[size], sums[size];
  for (std::size_t i = 0; i < size; ++i) {
    x[i] = 1 + 0x1p-12f * static_cast<float>(i + 1);
    sums[i] = -(1 + 0x1p-11f * static_cast<float>(i));
  }
  const float weight = 1 + 0x1p-12f;
  number_group group, sum;
  std::memcpy(&group, x, sizeof x);
  std::memcpy(&sum, sums, sizeof sums);
  add(weight, group, sum);
  float result[size];
  std::memcpy(result, &sum, sizeof sum);
  for (std::size_t i = 0; i < size; ++i) EXPECT_EQ(result[i], multiply_add(weight, x[i], sums[i])) << i;
}

}  // namespace
}  // namespace fissile
