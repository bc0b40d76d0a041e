#include <fissile/prune/owl.hpp>
#include <fissile/prune/wanda.hpp>
#include <fissile/prune/weight_score.hpp>
#include <fissile/prune/weight_scores.hpp>

#include "support/random_samples.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace fissile {
namespace {

using testing::measured;
using testing::random_samples;

template <class T>
struct weight_score_test : ::testing::Test {};
using scored_elements = ::testing::Types<float, bf16, f16, double>;
TYPED_TEST_SUITE(weight_score_test, scored_elements);

TYPED_TEST(weight_score_test, rows_are_widened_and_come_in_order) {
  random_source random{201};
  const auto numbers = testing::random_numbers<TypeParam>(random, 5 * 9);
  const matrix_view<const TypeParam> weights{numbers.data(), 5, 7, 9};  // two numbers between rows
  std::vector<index_t> outputs;
  score_rows(weights, weight_magnitude{}, [&](index_t output, vector_view<const double> scores) {
    outputs.push_back(output);
    ASSERT_EQ(scores.length(), 7);
    for (index_t j = 0; j < 7; ++j) EXPECT_EQ(scores[j], std::abs(widen<double>(weights(output, j))));
  });
  EXPECT_EQ(outputs, (std::vector<index_t>{0, 1, 2, 3, 4}));
  const std::vector<double> all = scores_of(weights, weight_magnitude{});
  ASSERT_EQ(all.size(), 35u);
  EXPECT_EQ(all[8], std::abs(widen<double>(weights(1, 1))));
}

/// Two matrices of one layer, each with its own inputs.
TEST(weight_score, owl_takes_scores_pooled_over_the_matrices_of_a_layer) {
  random_source random{202};
  for (index_t round = 0; round < 30; ++round) {
    std::vector<double> pooled, plain;
    for (index_t matrix = 0; matrix < 3; ++matrix) {
      const index_t outputs = 1 + random.below(20);
      const index_t inputs = 1 + random.below(20);
      const auto numbers = testing::random_numbers<float>(random, outputs * inputs);
      const auto found = measured<input_moments>(random_samples(random, inputs, 4));
      const std::vector<double> of_matrix =
          scores_of(matrix_view<const float>{numbers.data(), outputs, inputs}, wanda{found});
      pooled.insert(pooled.end(), of_matrix.begin(), of_matrix.end());
      for (index_t i = 0; i < outputs * inputs; ++i) {
        plain.push_back(std::abs(static_cast<double>(numbers[to_size(i)])) * std::sqrt(found.mean_square(i % inputs)));
      }
    }
    // As the authors' code: 100 * (W > M * mean(W)).sum() / numel, over everything that was flattened into one.
    const double multiple = 1 + 4 * random.uniform();
    const double mean = std::accumulate(plain.begin(), plain.end(), 0.0) / static_cast<double>(plain.size());
    const auto above = std::count_if(plain.begin(), plain.end(), [&](double s) { return s > multiple * mean; });
    const double level = outlier_level(pooled, multiple);
    EXPECT_DOUBLE_EQ(level, 100.0 * static_cast<double>(above) / static_cast<double>(plain.size()));
  }
}

}  // namespace
}  // namespace fissile
