#include <fissile/weights/activations.hpp>

#include "weights/plain_ffn.hpp"

#include <gtest/gtest.h>
#include <fissile/base/random.hpp>

#include <limits>

namespace fissile {
namespace {

using testing::plain;

template <class Activation>
class activations : public ::testing::Test {
protected:
  static constexpr Activation f{};

  /// Calls body(z) for a grid around 0 that misses 0 itself, and for random numbers.
  template <class Body>
  static void everywhere(const Body& body) {
    for (int i = -400; i < 400; ++i) body((i + 0.5) / 32);
    random_source random{1};
    for (int i = 0; i < 2000; ++i) body(3 * random.normal());
  }
};
using all_activations = ::testing::Types<silu, gelu, gelu_tanh, relu, relu2>;
TYPED_TEST_SUITE(activations, all_activations);

TYPED_TEST(activations, equal_their_formula) {
  this->everywhere([&](double z) {
    const long double exact = plain(TypeParam{}, z);
    const double scale = bound_of(this->f, std::abs(z));
    EXPECT_NEAR(static_cast<double>(this->f(z) - exact), 0, 8e-16 * scale) << z;
    const auto narrow = static_cast<float>(z);
    const long double narrow_exact = plain(TypeParam{}, narrow);
    EXPECT_NEAR(static_cast<double>(this->f(narrow) - narrow_exact), 0, 4e-7 * scale) << z;
  });
}

TYPED_TEST(activations, derivatives_equal_finite_differences) {
  this->everywhere([&](double z) {
    const double step = 1e-5;
    if (std::abs(z) < 2 * step) return;
    const double difference = (this->f(z + step) - this->f(z - step)) / (2 * step);
    EXPECT_NEAR(this->f.derivative(z), difference, 2e-9 * (1 + std::abs(z))) << z;
    EXPECT_NEAR(this->f.derivative(static_cast<float>(z)),
                this->f.derivative(static_cast<double>(static_cast<float>(z))), 2e-6 * (1 + std::abs(z)))
        << z;
  });
}

TYPED_TEST(activations, never_exceed_their_bound) {
  random_source random{2};
  for (int i = 0; i < 5000; ++i) {
    const double magnitude = std::exp(6 * random.normal());
    const double z = magnitude * (2 * random.uniform() - 1);
    EXPECT_LE(std::abs(this->f(z)), bound_of(this->f, magnitude)) << z;
    EXPECT_LE(std::abs(this->f(-magnitude)), bound_of(this->f, magnitude)) << magnitude;
  }
}

TYPED_TEST(activations, are_0_at_0_and_keep_nan) {
  EXPECT_EQ(this->f(0.0f), 0.0f);
  EXPECT_EQ(this->f(-0.0), 0.0);
  EXPECT_TRUE(std::isnan(this->f(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_TRUE(std::isnan(this->f(std::numeric_limits<double>::quiet_NaN())));
}

/// exp(-z) overflows long before z does.
TYPED_TEST(activations, stay_finite_far_out) {
  for (const float z : {-1e4f, -200.0f, -90.0f, 90.0f, 200.0f, 1e4f}) {
    const double limit = z < 0 ? 0.0 : static_cast<double>(bound_of(this->f, z));
    EXPECT_NEAR(static_cast<double>(this->f(z)), limit, 1e-30) << z;
    EXPECT_TRUE(std::isfinite(this->f.derivative(z))) << z;
  }
}

TYPED_TEST(activations, meet_the_concepts) {
  static_assert(activation<TypeParam> && differentiable_activation<TypeParam>);
  static_assert(std::is_empty_v<TypeParam>);
  static_assert(std::same_as<decltype(TypeParam{}(1.0)), double>);
  SUCCEED();
}

TEST(relu, has_derivative_0_at_its_kink) {
  EXPECT_EQ(relu{}.derivative(0.0f), 0.0f);
  EXPECT_EQ(relu2{}.derivative(0.0f), 0.0f);
}

TEST(bound_of, is_the_magnitude_unless_said_otherwise) {
  EXPECT_EQ(bound_of(silu{}, 3.0), 3.0);
  EXPECT_EQ(bound_of(relu2{}, 3.0), 9.0);
}

}  // namespace
}  // namespace fissile
