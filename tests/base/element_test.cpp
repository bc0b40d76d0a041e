// The 16-bit formats, against Eigen's and against the definition of rounding to nearest even.
#include <fissile/base/element.hpp>
#include <fissile/base/random.hpp>

#include <gtest/gtest.h>

#include <Eigen/Core>
#include <cmath>
#include <limits>

namespace fissile {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

std::uint32_t bits_of(float value) {
  return std::bit_cast<std::uint32_t>(value);
}
f16 narrow(float value, f16) {
  return to_f16(value);
}
bf16 narrow(float value, bf16) {
  return to_bf16(value);
}
float eigen(f16 value) {
  return static_cast<float>(Eigen::numext::bit_cast<Eigen::half>(value.bits));
}
float eigen(bf16 value) {
  return static_cast<float>(Eigen::numext::bit_cast<Eigen::bfloat16>(value.bits));
}
std::uint16_t eigen_bits(float value, f16) {
  return Eigen::numext::bit_cast<std::uint16_t>(Eigen::half(value));
}
std::uint16_t eigen_bits(float value, bf16) {
  return Eigen::numext::bit_cast<std::uint16_t>(Eigen::bfloat16(value));
}

template <class T>
class sixteen_bits : public ::testing::Test {};
using sixteen_bit_types = ::testing::Types<f16, bf16>;
TYPED_TEST_SUITE(sixteen_bits, sixteen_bit_types);

TYPED_TEST(sixteen_bits, every_pattern_widens_as_eigens_does_and_comes_back) {
  int wrong = 0;
  for (std::uint32_t pattern = 0; pattern < 0x10000u; ++pattern) {
    const TypeParam stored{static_cast<std::uint16_t>(pattern)};
    const float wide = to_float(stored);
    const TypeParam back = narrow(wide, TypeParam{});
    const bool good = std::isnan(wide) ? std::isnan(eigen(stored)) && std::isnan(to_float(back)) &&
                                             std::signbit(wide) == ((pattern & 0x8000u) != 0)
                                       : bits_of(wide) == bits_of(eigen(stored)) && back.bits == pattern;
    if (!good && ++wrong < 5) ADD_FAILURE() << std::hex << pattern;
  }
  EXPECT_EQ(wrong, 0);
}

/// Rounding is monotonous, so that what happens at and beside the middle of every two neighbours decides it for all.
TYPED_TEST(sixteen_bits, rounds_to_nearest_and_ties_to_even_between_all_neighbours) {
  int wrong = 0;
  const std::uint32_t largest = narrow(infinity, TypeParam{}).bits - 1u;
  for (std::uint32_t pattern = 0; pattern <= largest; ++pattern) {
    const TypeParam low{static_cast<std::uint16_t>(pattern)};
    // Above the largest number stands the one that an exponent more would give.
    const double above = pattern < largest
                             ? static_cast<double>(to_float(TypeParam{static_cast<std::uint16_t>(pattern + 1)}))
                             : std::exp2(std::same_as<TypeParam, f16> ? 16 : 128);
    const auto middle = static_cast<float>((static_cast<double>(to_float(low)) + above) / 2);
    for (const float sign : {1.0f, -1.0f}) {
      const std::uint32_t signed_low = pattern | (sign < 0 ? 0x8000u : 0u);
      const std::uint32_t even = signed_low + (pattern & 1u);
      const auto rounded = [&](float value) { return narrow(sign * value, TypeParam{}).bits; };
      const bool good = rounded(middle) == even && rounded(std::nextafter(middle, 0.0f)) == signed_low &&
                        rounded(std::nextafter(middle, infinity)) == signed_low + 1;
      if (!good && ++wrong < 5) ADD_FAILURE() << std::hex << signed_low;
    }
  }
  EXPECT_EQ(wrong, 0);
}

TYPED_TEST(sixteen_bits, random_floats_round_as_eigens_do) {
  random_source random{1};
  int wrong = 0;
  for (int i = 0; i < 500'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random.bits()));
    const TypeParam rounded = narrow(value, TypeParam{});
    const bool good = std::isnan(value)
                          ? std::isnan(to_float(rounded)) && std::signbit(to_float(rounded)) == std::signbit(value)
                          : rounded.bits == eigen_bits(value, TypeParam{});
    if (!good && ++wrong < 5) ADD_FAILURE() << std::hex << bits_of(value);
  }
  EXPECT_EQ(wrong, 0);
}

TEST(element, landmarks) {
  EXPECT_EQ(to_f16(1.0f).bits, 0x3c00);
  EXPECT_EQ(to_f16(65504.0f).bits, 0x7bff);
  EXPECT_EQ(to_f16(65519.99f).bits, 0x7bff);
  EXPECT_EQ(to_f16(65520.0f).bits, 0x7c00);  // a tie: the even neighbour is infinite
  EXPECT_EQ(to_f16(-infinity).bits, 0xfc00);
  EXPECT_EQ(to_f16(0x1p-24f).bits, 0x0001);
  EXPECT_EQ(to_f16(0x1p-25f).bits, 0x0000);  // a tie
  EXPECT_EQ(to_f16(-0.0f).bits, 0x8000);
  EXPECT_EQ(to_bf16(1.0f).bits, 0x3f80);
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_EQ(to_bf16(-0.0f).bits, 0x8000);
  // NaN whose payload lies in the lower bits only must not become infinite.
  EXPECT_TRUE(std::isnan(to_float(to_bf16(std::bit_cast<float>(0x7f800001u)))));
  EXPECT_TRUE(std::isnan(to_float(to_f16(std::bit_cast<float>(0xff800001u)))));
}

TEST(element, conversions_are_constant_expressions) {
  static_assert(to_float(f16{0x3c00}) == 1.0f && to_float(bf16{0x3f80}) == 1.0f);
  static_assert(to_f16(0x1p-14f).bits == 0x0400 && to_bf16(-2.0f).bits == 0xc000);
}

TEST(element, widens_to_the_number_computed_in) {
  static_assert(std::same_as<decltype(widen<double>(bf16{})), double>);
  static_assert(std::same_as<decltype(widen<float>(0.0)), float>);
  EXPECT_EQ(widen<double>(0.1), 0.1);
  EXPECT_EQ(widen<double>(0.1f), static_cast<double>(0.1f));
  EXPECT_EQ(widen<float>(0.1), 0.1f);
  EXPECT_EQ(widen<double>(f16{0x3555}), 1365.0 / 4096.0);
}

/// Bits of a 16-bit float that a C interface holds in an integer must not be read as whole numbers.
TEST(element, integers_are_none) {
  static_assert(element<float> && element<double> && element<f16> && element<bf16>);
  enum bits : std::uint16_t {};
  static_assert(!element<std::uint16_t> && !element<std::int8_t> && !element<bool> && !element<bits>);
  static_assert(!element<float*> && !element<const char*> && !element<long double>);
  EXPECT_EQ(sizeof(f16), 2u);
  EXPECT_EQ(sizeof(bf16), 2u);
}

}  // namespace
}  // namespace fissile
