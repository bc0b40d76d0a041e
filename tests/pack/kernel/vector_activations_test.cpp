// The activations of whole registers against double: how far off they are, and what they make of odd numbers.
#include <fissile/pack/kernel/hidden_tile.hpp>

#include "pack/machine.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fissile::kernel {
namespace {

constexpr float infinite = std::numeric_limits<float>::infinity();
constexpr float largest = std::numeric_limits<float>::max();

/// The only way in that belongs to an instruction set: an ungated layer's 64 sums, finished.
template <class Activation>
std::vector<float> activated_by(instruction_set set, std::vector<float> numbers) {
  const std::size_t count = numbers.size();
  numbers.resize((count + panel_columns - 1) / panel_columns * panel_columns);
  const auto finish = hidden_for<Activation>(set, false);
  for (std::size_t i = 0; i < numbers.size(); i += panel_columns) finish({}, {numbers.data() + i, nullptr, 1.0f});
  numbers.resize(count);
  return numbers;
}

/// The exponential as an activation, for this test.
struct exponent {
  float operator()(float z) const noexcept { return std::exp(z); }
};

}  // namespace
template <>
struct lanes_of<exponent> {
  template <class Isa>
  FISSILE_INSIDE static void apply(const exponent&, floats<Isa::lanes>& z) {
    exponential<Isa>(z);
  }
};
namespace {

std::vector<float> between(float from, float to, int steps) {
  std::vector<float> numbers;
  for (int i = 0; i <= steps; ++i) {
    numbers.push_back(from + (to - from) * static_cast<float>(i) / static_cast<float>(steps));
  }
  return numbers;
}

TEST(exponential, is_within_two_units_in_the_last_place) {
  for (const instruction_set set : testing::machine_sets()) {
    for (const auto& numbers : {between(-87, 88, 200000), between(-1, 1, 50000), between(-1e-6f, 1e-6f, 999)}) {
      const auto powers = activated_by<exponent>(set, numbers);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const double exact = std::exp(static_cast<double>(numbers[i]));
        const double unit = std::ldexp(1.0, std::ilogb(exact) - 23);
        ASSERT_LE(std::abs(static_cast<double>(powers[i]) - exact), 2 * unit) << name_of(set) << " at " << numbers[i];
      }
    }
  }
}

TEST(exponential, ends_at_infinity_above_and_at_the_smallest_normal_number_below) {
  for (const instruction_set set : testing::machine_sets()) {
    const auto powers = activated_by<exponent>(
        set, {0.0f, -0.0f, 88.01f, 100, largest, infinite, -88, -1000, -largest, -infinite, std::nanf("")});
    EXPECT_EQ(powers[0], 1.0f);
    EXPECT_EQ(powers[1], 1.0f);
    for (std::size_t i = 2; i < 6; ++i) EXPECT_EQ(powers[i], infinite) << name_of(set) << ' ' << i;
    for (std::size_t i = 6; i < 10; ++i) {
      EXPECT_NEAR(powers[i], 1.6458115e-38f, 1e-43f) << name_of(set) << ' ' << i;
    }
    EXPECT_TRUE(std::isnan(powers[10])) << name_of(set);
  }
}

template <class Activation>
class vector_activations : public ::testing::Test {};
using all = ::testing::Types<silu, gelu_tanh, gelu, relu, relu2>;
TYPED_TEST_SUITE(vector_activations, all);

/// The bound is relative to what the function may reach, |z| or z^2: gelu cancels 1 against tanh for negative z.
TYPED_TEST(vector_activations, are_within_4e_7_of_the_function_in_double) {
  const TypeParam activate;
  for (const instruction_set set : testing::machine_sets()) {
    for (const auto& numbers : {between(-20, 20, 100000), between(-120, 120, 9999), between(-1e-3f, 1e-3f, 9999)}) {
      const auto found = activated_by<TypeParam>(set, numbers);
      for (std::size_t i = 0; i < numbers.size(); ++i) {
        const double z = numbers[i], exact = activate(z);
        ASSERT_LE(std::abs(found[i] - exact), 4e-7 * bound_of(activate, std::abs(z)))
            << name_of(set) << " at " << numbers[i];
      }
    }
  }
}

/// Odd numbers give what the plain activation gives: NaN stays NaN, huge ones saturate.
TYPED_TEST(vector_activations, treat_odd_numbers_as_the_plain_ones_do) {
  const TypeParam activate;
  const std::vector<float> odd{0.0f,  -0.0f,  88,      -88,      89,       -89,       1e4f,         -1e4f,
                               1e20f, -1e20f, largest, -largest, infinite, -infinite, std::nanf("")};
  for (const instruction_set set : testing::machine_sets()) {
    const auto found = activated_by<TypeParam>(set, odd);
    for (std::size_t i = 0; i < odd.size(); ++i) {
      const float plain = activate(odd[i]);
      if (std::isnan(plain)) {
        EXPECT_TRUE(std::isnan(found[i])) << name_of(set) << " at " << odd[i] << ": " << found[i];
      } else if (std::isinf(plain) || plain == 0) {
        EXPECT_EQ(found[i], plain) << name_of(set) << " at " << odd[i];
      } else {
        EXPECT_NEAR(found[i], plain, 1e-35f + 4e-7f * std::abs(plain)) << name_of(set) << " at " << odd[i];
      }
    }
  }
}

}  // namespace
}  // namespace fissile::kernel
