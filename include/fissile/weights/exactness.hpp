// How exactly an output equals the dense layer's: the invariant of the library as a number.
#pragma once

#include <fissile/weights/dense_ffn.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace fissile {

/// The largest error an output of the library may have, all experts on, as `exactness` measures it: of layers up to
/// the usual sizes whose terms vary, which stay far below it. Sums are of floats in a fixed order, so n equal terms,
/// each rounded the same way, may reach n * 2^-24: no trained layer is such, a layer of constants is.
inline constexpr double exactness_bound = 1e-5;

/// The largest, over the tokens of a batch, of ||y - y'|| / s, with y the dense layer in double on the same stored
/// weights, y' = `outputs`, and s a scale in which nothing cancels:
///
///   s = || |b_d| + sum_j |d_j| A(G_j) U_j ||   G = |g| . |x| + |b_g|,  U = |u| . |x| + |b_u|,  A(z) = z (z^2: relu2)
///
/// Without a gate G is made of `up` and U = 1. A relative error without such a scale is large by chance for small
/// shapes. 0 for equal outputs, also where s is 0; infinite where an output is not finite.
/// tokens: [batch x width]; outputs: [batch x width]. Allocates. Throws shape_error for a layer that does not fit
/// together.
template <element T, activation Activation>
double exactness(const ffn_weights<T>& ffn, const Activation& activate, matrix_view<const float> tokens,
                 matrix_view<const float> outputs) {
  check_shapes(ffn, "exactness");
  Expects(tokens.columns() == ffn.width() && outputs.columns() == ffn.width() && outputs.rows() == tokens.rows());
  const auto reach = [&](matrix_view<const T> rows, vector_view<const bias_of<T>> bias, index_t neuron,
                         vector_view<const float> token) {
    double sum = bias.empty() ? 0.0 : std::abs(static_cast<double>(bias[neuron]));
    for (index_t i = 0; i < token.length(); ++i) {
      sum += std::abs(widen<double>(rows(neuron, i)) * static_cast<double>(token[i]));
    }
    return sum;
  };
  std::vector<double> hidden(to_size(ffn.neurons()));
  std::vector<double> dense(to_size(ffn.width()));
  double worst = 0;
  for (index_t token = 0; token < tokens.rows(); ++token) {
    const vector_view<const float> x = tokens.row(token);
    for (index_t neuron = 0; neuron < ffn.neurons(); ++neuron) {
      const double up = reach(ffn.up, ffn.up_bias, neuron, x);
      hidden[to_size(neuron)] =
          ffn.gated() ? bound_of(activate, reach(ffn.gate, ffn.gate_bias, neuron, x)) * up : bound_of(activate, up);
    }
    dense_ffn<double>(ffn, activate, tokens.rows(token, 1), {dense.data(), 1, ffn.width()});
    double error = 0;
    double scale = 0;
    for (index_t i = 0; i < ffn.width(); ++i) {
      double reachable = ffn.down_bias.empty() ? 0.0 : std::abs(static_cast<double>(ffn.down_bias[i]));
      for (index_t neuron = 0; neuron < ffn.neurons(); ++neuron) {
        reachable += std::abs(widen<double>(ffn.down(i, neuron))) * hidden[to_size(neuron)];
      }
      const double difference = dense[to_size(i)] - static_cast<double>(outputs(token, i));
      error += difference * difference;
      scale += reachable * reachable;
    }
    if (!std::isfinite(error)) return std::numeric_limits<double>::infinity();
    if (error > 0) worst = std::max(worst, std::sqrt(error / scale));
  }
  return worst;
}

}  // namespace fissile
