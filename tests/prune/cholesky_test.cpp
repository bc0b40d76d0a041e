#include <fissile/base/random.hpp>
#include <fissile/prune/cholesky.hpp>

#include "prune/plain_algebra.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::plain_matrix;

/// B^T B + 0.1, with B random.
plain_matrix random_definite(random_source& random, index_t order) {
  plain_matrix b(to_size(order), std::vector<double>(to_size(order))), a = b;
  for (auto& row : b) {
    for (double& number : row) number = random.normal();
  }
  for (std::size_t i = 0; i < b.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      a[i][j] = i == j ? 0.1 : 0.0;
      for (std::size_t k = 0; k < b.size(); ++k) a[i][j] += b[k][i] * b[k][j];
    }
  }
  return a;
}

square_matrix lower_half(const plain_matrix& a) {
  square_matrix half(length(a));
  for (index_t i = 0; i < half.order; ++i) {
    for (index_t j = 0; j < half.order; ++j) {
      half(i, j) = j <= i ? a[to_size(i)][to_size(j)] : std::numeric_limits<double>::quiet_NaN();
    }
  }
  return half;
}

TEST(cholesky, factors_backwards) {
  random_source random{251};
  for (index_t order = 1; order < 30; ++order) {
    const plain_matrix a = random_definite(random, order);
    const auto lower = factor_backwards(lower_half(a));
    ASSERT_TRUE(lower);
    for (index_t i = 0; i < order; ++i) {
      for (index_t j = 0; j < order; ++j) {
        double product = 0;
        for (index_t k = 0; k < order; ++k) product += (*lower)(k, i) * (*lower)(k, j);
        EXPECT_NEAR(product, a[to_size(i)][to_size(j)], 1e-12 * static_cast<double>(order + 1));
        EXPECT_TRUE(j <= i || (*lower)(i, j) == 0);
      }
    }
  }
}

TEST(cholesky, factor_of_the_inverse_is_the_textbooks) {
  random_source random{252};
  for (index_t order = 1; order < 30; ++order) {
    const plain_matrix a = random_definite(random, order);
    const auto upper = factor_of_inverse(lower_half(a));
    ASSERT_TRUE(upper);
    const plain_matrix expected = testing::plain_cholesky(testing::plain_inverse(a));
    for (index_t i = 0; i < order; ++i) {
      for (index_t j = 0; j < order; ++j) EXPECT_NEAR((*upper)(i, j), expected[to_size(i)][to_size(j)], 1e-9);
    }
  }
}

TEST(cholesky, solves) {
  random_source random{253};
  for (index_t order = 1; order < 30; ++order) {
    const plain_matrix a = random_definite(random, order);
    const auto lower = factor_backwards(lower_half(a));
    ASSERT_TRUE(lower);
    std::vector<double> x, right;
    for (index_t i = 0; i < order; ++i) x.push_back(random.normal());
    for (const auto& row : a) {
      right.push_back(0);
      for (index_t j = 0; j < order; ++j) right.back() += row[to_size(j)] * x[to_size(j)];
    }
    solve_backwards(*lower, right);
    for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(right[i], x[i], 1e-9);
  }
}

TEST(cholesky, says_what_is_not_positive_definite) {
  EXPECT_FALSE(factor_backwards(lower_half({{1, 2}, {2, 1}})));
  EXPECT_FALSE(factor_backwards(lower_half({{0, 0}, {0, 1}})));
  EXPECT_FALSE(factor_backwards(lower_half({{2, 2, 2}, {2, 2, 2}, {2, 2, 2}}))) << "but for rounding";
  EXPECT_FALSE(factor_of_inverse(lower_half({{-1}})));
  EXPECT_FALSE(factor_backwards(lower_half({{std::numeric_limits<double>::infinity()}})));
}

}  // namespace
}  // namespace fissile
