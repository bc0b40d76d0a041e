// Triangular factors of a symmetric positive definite matrix, in double and in plain loops: the same bits everywhere.
#pragma once

#include <fissile/base/view.hpp>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

namespace fissile {

/// A square matrix of doubles, row after row.
struct square_matrix {
  index_t order = 0;
  std::vector<double> numbers = {};  // [order x order]

  explicit square_matrix(index_t n) : order(n), numbers(to_size(n * n), 0.0) {}
  double* row(index_t i) noexcept { return numbers.data() + i * order; }
  const double* row(index_t i) const noexcept { return numbers.data() + i * order; }
  double& operator()(index_t i, index_t j) noexcept { return numbers[to_size(i * order + j)]; }
  double operator()(index_t i, index_t j) const noexcept { return numbers[to_size(i * order + j)]; }
};

/// The lower L with L^T L = a, from the last row up; nothing where `a` is not positive definite: where a pivot is not
/// above what rounding leaves of its diagonal entry, order * 2^-52 of it. Only the lower triangle of `a` is read; above
/// the diagonal L is 0. (A Cholesky factorisation of `a` read backwards.)
inline std::optional<square_matrix> factor_backwards(square_matrix a) {
  std::vector<double> least;  // pivots
  for (index_t k = 0; k < a.order; ++k) least.push_back(static_cast<double>(a.order) * 0x1p-52 * a(k, k));
  for (index_t k = a.order - 1; k >= 0; --k) {
    double* last = a.row(k);
    if (!(last[k] > std::max(least[to_size(k)], 0.0)) || !std::isfinite(last[k])) return std::nullopt;
    const double root = std::sqrt(last[k]);
    for (index_t j = 0; j < k; ++j) last[j] /= root;
    last[k] = root;
    std::fill(last + k + 1, last + a.order, 0.0);
    for (index_t i = 0; i < k; ++i) {
      double* row = a.row(i);
      for (index_t j = 0; j <= i; ++j) row[j] -= last[i] * last[j];
    }
  }
  return a;
}

/// The upper U with U^T U = a^-1, Cholesky's factor of the inverse; nothing where `a` is not positive definite.
/// a = L^T L gives a^-1 = L^-1 L^-T, and L^-T is upper: one factorisation, and no inverse is formed.
inline std::optional<square_matrix> factor_of_inverse(square_matrix a) {
  const std::optional<square_matrix> lower = factor_backwards(std::move(a));
  if (!lower) return std::nullopt;
  const index_t order = lower->order;
  square_matrix inverse(order);  // of L: lower
  for (index_t i = 0; i < order; ++i) {
    double* row = inverse.row(i);
    for (index_t k = 0; k < i; ++k) {
      const double* known = inverse.row(k);
      for (index_t j = 0; j <= k; ++j) row[j] -= (*lower)(i, k) * known[j];
    }
    for (index_t j = 0; j < i; ++j) row[j] /= (*lower)(i, i);
    row[i] = 1 / (*lower)(i, i);
  }
  for (index_t i = 0; i < order; ++i) {
    for (index_t j = 0; j < i; ++j) std::swap(inverse(i, j), inverse(j, i));
  }
  return inverse;
}

/// Replaces x by the y with L^T L y = x. lower: as `factor_backwards` gives it. x: [order].
inline void solve_backwards(const square_matrix& lower, vector_view<double> x) noexcept {
  Expects(x.length() == lower.order);
  for (index_t k = lower.order - 1; k >= 0; --k) {  // L^T y = x
    x[k] /= lower(k, k);
    for (index_t j = 0; j < k; ++j) x[j] -= lower(k, j) * x[k];
  }
  for (index_t i = 0; i < lower.order; ++i) {  // L x = y
    double sum = x[i];
    for (index_t j = 0; j < i; ++j) sum -= lower(i, j) * x[j];
    x[i] = sum / lower(i, i);
  }
}

}  // namespace fissile
