#include <fissile/prune/output_error.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

TEST(output_error, is_the_distance_of_outputs_in_parts_of_their_norm) {
  random_source random{241};
  for (index_t round = 0; round < 30; ++round) {
    const index_t positions = 1 + random.below(9), inputs = 1 + random.below(9), outputs = 1 + random.below(9);
    const auto x = testing::random_numbers<float>(random, positions * inputs);
    const auto w = testing::random_numbers<bf16>(random, outputs * inputs);
    const auto v = testing::random_numbers<float>(random, outputs * inputs);
    double distance = 0, norm = 0;
    for (index_t p = 0; p < positions; ++p) {
      for (index_t o = 0; o < outputs; ++o) {
        double before = 0, after = 0;
        for (index_t i = 0; i < inputs; ++i) {
          const auto input = static_cast<double>(x[to_size(p * inputs + i)]);
          before += input * static_cast<double>(to_float(w[to_size(o * inputs + i)]));
          after += input * static_cast<double>(v[to_size(o * inputs + i)]);
        }
        distance += (before - after) * (before - after);
        norm += before * before;
      }
    }
    const double found = output_error({x.data(), positions, inputs}, matrix_view<const bf16>{w.data(), outputs, inputs},
                                      matrix_view<const float>{v.data(), outputs, inputs});
    EXPECT_NEAR(found, std::sqrt(distance / norm), 1e-12 * found);
  }
}

TEST(output_error, of_nothing_is_defined) {
  const std::vector<float> x{1, 1}, zero{0, 0}, one{1, 0};
  const auto error = [&](const std::vector<float>& w, const std::vector<float>& v) {
    return output_error({x.data(), 1, 2}, matrix_view<const float>{w.data(), 1, 2},
                        matrix_view<const float>{v.data(), 1, 2});
  };
  EXPECT_EQ(error(zero, zero), 0.0);
  EXPECT_EQ(error(zero, one), std::numeric_limits<double>::infinity());
  EXPECT_EQ(error(one, one), 0.0);
  EXPECT_EQ(error(one, zero), 1.0);
}

TEST(output_error, refuses_what_does_not_fit) {
  const std::vector<float> numbers(6);
  const matrix_view<const float> a{numbers.data(), 2, 3}, b{numbers.data(), 3, 2};
  testing::expect_says(testing::message_of<shape_error>([&] { output_error(a, a, b); }), {"changed", "[3 x 2]"});
  testing::expect_says(testing::message_of<shape_error>([&] { output_error(b, a, a); }), {"inputs", "3 columns"});
}

}  // namespace
}  // namespace fissile
