// Square matrices as textbooks have them, written for reading: what the tests of factors and of SparseGPT compare with.
#pragma once

#include <fissile/base/index.hpp>

#include <cmath>
#include <utility>
#include <vector>

namespace fissile::testing {

using plain_matrix = std::vector<std::vector<double>>;

/// By Gauss and Jordan, with pivots.
inline plain_matrix plain_inverse(plain_matrix a) {
  const std::size_t n = a.size();
  plain_matrix inverse(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i) inverse[i][i] = 1;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k; i < n; ++i) pivot = std::abs(a[i][k]) > std::abs(a[pivot][k]) ? i : pivot;
    std::swap(a[k], a[pivot]);
    std::swap(inverse[k], inverse[pivot]);
    const double whole = a[k][k];
    for (std::size_t j = 0; j < n; ++j) {
      a[k][j] /= whole;
      inverse[k][j] /= whole;
    }
    for (std::size_t i = 0; i < n; ++i) {
      const double part = a[i][k];
      if (i == k) continue;
      for (std::size_t j = 0; j < n; ++j) {
        a[i][j] -= part * a[k][j];
        inverse[i][j] -= part * inverse[k][j];
      }
    }
  }
  return inverse;
}

/// The upper U with U^T U = a, entry by entry.
inline plain_matrix plain_cholesky(const plain_matrix& a) {
  const std::size_t n = a.size();
  plain_matrix u(n, std::vector<double>(n, 0.0));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i; j < n; ++j) {
      double sum = a[i][j];
      for (std::size_t k = 0; k < i; ++k) sum -= u[k][i] * u[k][j];
      u[i][j] = i == j ? std::sqrt(sum) : sum / u[i][i];
    }
  }
  return u;
}

/// The rows and columns from `first` on.
inline plain_matrix from(const plain_matrix& a, std::size_t first) {
  plain_matrix part;
  for (std::size_t i = first; i < a.size(); ++i)
    part.emplace_back(a[i].begin() + static_cast<index_t>(first), a[i].end());
  return part;
}

}  // namespace fissile::testing
