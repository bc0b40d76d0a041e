// The penalty that makes activations few: the square of Hoyer's measure, with which D2DMoE (Szatkowski et al. 2024,
// arXiv 2310.04361) tunes a model before it is split.
//
//   penalty = weight / layers * mean over tokens of (sum_j |a_j|)^2 / (sum_j a_j^2 + epsilon)
//
// One active neuron of any size gives 1, n equal ones n: it counts the active without caring how large they are.
#pragma once

#include <fissile/base/view.hpp>

#include <cmath>
#include <concepts>

namespace fissile {

/// One layer's share. What is looked at is the caller's to choose: the paper takes activations of relu, or of a layer
/// with gelu what comes before it, held above some bound. With several layers, give every one their number.
struct hoyer_penalty {
  double weight = 1;
  index_t layers = 1;
  double epsilon = 1e-15;  // a token of zeros gives 0

  /// activations: [tokens x neurons].
  template <std::floating_point A>
  double value(matrix_view<const A> activations) const noexcept {
    double sum = 0;
    for (index_t token = 0; token < activations.rows(); ++token) {
      const norms of = norms_of(activations.row(token));
      sum += of.first * of.first / of.second;
    }
    return scale(activations.rows()) * sum;
  }

  /// Adds d penalty / d a_j = scale * (2 n1 sign(a_j) / n2 - 2 n1^2 a_j / n2^2), with n1 the sum of |a| and n2 that of
  /// a^2 and epsilon; 0 where a_j is 0. gradients: [tokens x neurons].
  template <std::floating_point A>
  void add_gradient(matrix_view<const A> activations, std::type_identity_t<matrix_view<A>> gradients) const noexcept {
    Expects(gradients.rows() == activations.rows() && gradients.columns() == activations.columns());
    for (index_t token = 0; token < activations.rows(); ++token) {
      const norms of = norms_of(activations.row(token));
      const double ratio = of.first / of.second;
      for (index_t j = 0; j < activations.columns(); ++j) {
        const auto a = static_cast<double>(activations(token, j));
        if (a == 0) continue;
        const double slope = 2 * ratio * ((a < 0 ? -1.0 : 1.0) - ratio * a);
        gradients(token, j) += static_cast<A>(scale(activations.rows()) * slope);
      }
    }
  }

private:
  struct norms {
    double first;   // sum of |a|
    double second;  // sum of a^2, and epsilon
  };
  template <std::floating_point A>
  norms norms_of(vector_view<const A> activations) const noexcept {
    norms of{0, epsilon};
    for (const A a : activations) {
      of.first += std::abs(static_cast<double>(a));
      of.second += static_cast<double>(a) * static_cast<double>(a);
    }
    return of;
  }
  double scale(index_t tokens) const noexcept {
    return tokens == 0 ? 0 : weight / static_cast<double>(layers * tokens);
  }
};

}  // namespace fissile
