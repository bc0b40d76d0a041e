// The penalty of ReMoE (Wang et al. 2025, arXiv 2412.14711) on a router whose scores pass a relu: it makes active
// experts few, and busy ones most of all.
//
//   penalty = weight / layers * experts / (tokens^2 * k) * sum_e (sum over tokens of w_te) * count_e
//
// with count_e the tokens for which w_te > 0. The router itself needs nothing of its own; it is
//
//   router{linear_scorer{rows}, relu_squash{}, scaled{above{.threshold = 0}}}
//
// and `weight` is what a sparsity_controller moves after each step, with k / experts as its target.
#pragma once

#include <fissile/base/view.hpp>

#include <concepts>

namespace fissile {

/// One layer's share. With several layers, give every one their number.
struct relu_penalty {
  double weight = 1;
  index_t k = 1;  // the experts a token should have, on average
  index_t layers = 1;

  /// values: [tokens x experts], after the relu. Where all experts are equally busy, k for each token, this is
  /// weight / layers times the mean over tokens of their sum.
  template <std::floating_point A>
  double value(matrix_view<const A> values) const noexcept {
    double sum = 0;
    for (index_t expert = 0; expert < values.columns(); ++expert) {
      double weights = 0;
      for (index_t token = 0; token < values.rows(); ++token) weights += static_cast<double>(values(token, expert));
      sum += weights * static_cast<double>(count(values, expert));
    }
    return scale(values) * sum;
  }

  /// Adds d penalty / d w_te = scale * count_e where w_te > 0, and nothing elsewhere: there the relu has no slope.
  /// Counts are constants. gradients: [tokens x experts].
  template <std::floating_point A>
  void add_gradient(matrix_view<const A> values, std::type_identity_t<matrix_view<A>> gradients) const noexcept {
    Expects(gradients.rows() == values.rows() && gradients.columns() == values.columns());
    for (index_t expert = 0; expert < values.columns(); ++expert) {
      const A slope = static_cast<A>(scale(values) * static_cast<double>(count(values, expert)));
      for (index_t token = 0; token < values.rows(); ++token) {
        if (values(token, expert) > A(0)) gradients(token, expert) += slope;
      }
    }
  }

private:
  template <class A>
  static index_t count(matrix_view<const A> values, index_t expert) noexcept {
    index_t active = 0;
    for (index_t token = 0; token < values.rows(); ++token) active += values(token, expert) > A(0) ? 1 : 0;
    return active;
  }
  template <class A>
  double scale(matrix_view<const A> values) const noexcept {
    if (values.rows() == 0) return 0;
    const auto tokens = static_cast<double>(values.rows());
    return weight / static_cast<double>(layers) * static_cast<double>(values.columns()) /
           (tokens * tokens * static_cast<double>(k));
  }
};

}  // namespace fissile
