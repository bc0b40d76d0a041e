#include <fissile/route/inverse_norm.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

TEST(inverse_norm, makes_length_one) {
  random_source random{1};
  for (int trial = 0; trial < 200; ++trial) {
    const double size = std::exp(20 * random.normal());
    const auto numbers = testing::random_numbers<float>(random, 1 + random.below(300), std::min(size, 1e30));
    long double sum = 0;
    for (const float x : numbers) sum += static_cast<long double>(x) * static_cast<long double>(x);
    const auto exact = static_cast<double>(1 / std::sqrt(sum));
    if (!(exact < 1e38)) continue;
    EXPECT_NEAR(static_cast<double>(inverse_norm(vector_view<const float>(numbers))), exact, 1e-7 * exact);
  }
}

TEST(inverse_norm, leaves_zeros_and_shows_what_is_no_number) {
  const std::vector<float> zeros(3), infinite{1, std::numeric_limits<float>::infinity()}, nan{1, std::nanf("")};
  EXPECT_EQ(inverse_norm(vector_view<const float>(zeros)), 0.0f);
  EXPECT_EQ(inverse_norm(vector_view<const float>{}), 0.0f);
  EXPECT_EQ(inverse_norm(vector_view<const float>(infinite)), 0.0f) << "and infinity times 0 is a NaN score";
  EXPECT_TRUE(std::isnan(inverse_norm(vector_view<const float>(nan))));
  const std::vector<float> large(4, 3e38f);
  EXPECT_FLOAT_EQ(inverse_norm(vector_view<const float>(large)) * 3e38f, 0.5f) << "no overflow in between";
}

TEST(inverse_norm, widens_what_is_stored_small) {
  const std::vector<bf16> halves{to_bf16(3), to_bf16(-4)};
  EXPECT_FLOAT_EQ(inverse_norm(vector_view<const bf16>(halves)), 0.2f);
}

}  // namespace
}  // namespace fissile
