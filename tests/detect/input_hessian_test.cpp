#include <fissile/detect/input_hessian.hpp>
#include <fissile/detect/input_moments.hpp>

#include "support/random_samples.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::input_sample;
using testing::measured;
using testing::random_samples;

/// |a - b| in parts of sqrt(H_ii H_jj), the largest over the matrix.
template <class A, class B>
double hessian_distance(const A& a, const B& b) {
  double most = 0;
  for (index_t i = 0; i < a.width(); ++i) {
    for (index_t j = 0; j < a.width(); ++j) {
      most = std::max(most, std::abs(a(i, j) - b(i, j)) / std::sqrt(a(i, i) * a(j, j)));
    }
  }
  return most;
}

TEST(input_hessian, is_the_running_mean_of_the_authors_code) {
  random_source random{11};
  for (index_t round = 0; round < 30; ++round) {
    const index_t width = 1 + random.below(20);
    const std::vector<input_sample> samples = random_samples(random, width, 1 + random.below(8));
    std::vector<double> h(to_size(width * width), 0.0);
    double seen = 0;
    for (const input_sample& sample : samples) {  // H *= n / (n + 1); x *= sqrt(2 / (n + 1)); H += x^T x
      for (double& entry : h) entry *= seen / (seen + 1);
      ++seen;
      for (index_t p = 0; p < sample.positions(); ++p) {
        for (index_t i = 0; i < width; ++i) {
          for (index_t j = 0; j < width; ++j) {
            const double a = std::sqrt(2 / seen) * static_cast<double>(sample.numbers[to_size(p * width + i)]);
            const double b = std::sqrt(2 / seen) * static_cast<double>(sample.numbers[to_size(p * width + j)]);
            h[to_size(i * width + j)] += a * b;
          }
        }
      }
    }
    const auto found = measured<input_hessian<double>>(samples);
    for (index_t i = 0; i < width; ++i) {
      for (index_t j = 0; j < width; ++j) {
        ASSERT_NEAR(found(i, j), h[to_size(i * width + j)], 1e-12 * std::sqrt(found(i, i) * found(j, j)));
      }
    }
  }
}

TEST(input_hessian, its_diagonal_is_twice_the_mean_square) {
  random_source random{12};
  const std::vector<input_sample> samples = random_samples(random, 17, 9);
  const auto found = measured<input_hessian<double>>(samples);
  const auto squares = measured<input_moments>(samples);
  for (index_t j = 0; j < 17; ++j) {
    EXPECT_NEAR(found(j, j), 2 * squares.mean_square(j), 1e-12 * squares.mean_square(j));
  }
  EXPECT_EQ(found.bytes(), 17u * 18 / 2 * sizeof(double));
}

TEST(input_hessian, pieces_change_no_bit_and_the_order_of_samples_1e_12) {
  random_source random{13};
  for (index_t round = 0; round < 20; ++round) {
    const index_t width = 1 + random.below(20);
    std::vector<input_sample> samples = random_samples(random, width, 40, 30);
    const auto whole = measured<input_hessian<double>>(samples);
    input_hessian<double> pieces{{.width = width}};
    for (const input_sample& sample : samples) {
      const index_t cut = random.below(sample.positions() + 1);
      pieces.add(sample.view().rows(0, cut));
      pieces.add(sample.view().rows(cut, sample.positions() - cut));
      pieces.sample_end();
    }
    EXPECT_EQ(hessian_distance(whole, pieces), 0.0);
    shuffle(samples, random);
    auto parts = measured<input_hessian<double>>({samples.begin(), samples.begin() + 13});
    parts.merge(measured<input_hessian<double>>({samples.begin() + 13, samples.end()}));
    EXPECT_EQ(parts.read().samples(), 40u);
    EXPECT_LE(hessian_distance(whole, parts), 1e-12);
  }
}

TEST(input_hessian, padding_counts_as_the_rule_says) {
  const std::vector<float> x{3, 1, 12, 5, 4, 2};  // the position in the middle only fills up
  const std::vector<char> padding{0, 1, 0};
  input_hessian<double> reference{{.width = 2, .padding = padding_rule::reference}}, masked{{.width = 2}};
  for (input_hessian<double>* found : {&reference, &masked}) {
    found->add({x.data(), 3, 2}, padding);
    found->sample_end();
  }
  EXPECT_EQ(masked(0, 1), 2.0 * (3 + 8));
  EXPECT_EQ(reference(1, 0), 2.0 * (3 + 8 + 60));
}

TEST(input_hessian, float_keeps_four_digits) {
  random_source random{14};
  const std::vector<input_sample> samples = random_samples(random, 8, 200, 100);
  const auto exact = measured<input_hessian<double>>(samples);
  const auto found = measured<input_hessian<float>>(samples);
  EXPECT_GT(exact.read().positions(), 8000u);
  EXPECT_LE(hessian_distance(exact, found), 1e-4);
  EXPECT_EQ(2 * found.bytes(), exact.bytes());
}

TEST(input_hessian, what_is_no_number_counts_as_0_and_is_counted) {
  const std::vector<float> x{std::numeric_limits<float>::quiet_NaN(), 2, -std::numeric_limits<float>::infinity(), 3};
  input_hessian<double> found{{.width = 2}};
  found.add({x.data(), 2, 2});
  found.sample_end();
  EXPECT_EQ(found(0, 0), 0.0);
  EXPECT_EQ(found(0, 1), 0.0);
  EXPECT_EQ(found(1, 1), 26.0);
  EXPECT_EQ(found.read().undefined(), 2u);
}

TEST(input_hessian, refuses_what_does_not_fit) {
  EXPECT_THROW(input_hessian<double>{{.width = 0}}, setting_error);
  input_hessian<double> found{{.width = 2}};
  EXPECT_EQ(found(0, 1), 0.0) << "before any sample";
  EXPECT_THROW(found.merge(input_hessian<double>{{.width = 3}}), shape_error);
}

}  // namespace
}  // namespace fissile
