// The root mean square norm of each token, forward and backward side by side.
//
//   u = x * inverse,  inverse = 1 / sqrt(mean of x_i^2 + epsilon),  y = gain * u
//   dL/dgain = sum over tokens of dL/dy * u
//   dL/dx    = inverse * (v - u * mean of v_i u_i),  v = gain * dL/dy
#pragma once

#include <fissile/base/view.hpp>

#include <cmath>
#include <concepts>

namespace fissile {

/// Borrows the gain. [width]
template <std::floating_point A>
struct rms_norm {
  vector_view<const A> gain;
  double epsilon = 1e-6;

  /// in: [tokens x width]; inverses: [tokens] and out: [tokens x width], written.
  void forward(matrix_view<const A> in, vector_view<A> inverses, matrix_view<A> out) const noexcept {
    for (index_t token = 0; token < in.rows(); ++token) {
      const A* x = in.row(token).data();
      A sum = 0;
      for (index_t i = 0; i < in.columns(); ++i) sum += x[i] * x[i];
      const A inverse = A(1) / std::sqrt(sum / static_cast<A>(in.columns()) + static_cast<A>(epsilon));
      inverses[token] = inverse;
      for (index_t i = 0; i < in.columns(); ++i) out(token, i) = gain[i] * x[i] * inverse;
    }
  }

  /// Where backward adds; an empty view takes nothing.
  struct gradients {
    vector_view<A> gain = {};  // [width]
    matrix_view<A> in = {};    // [tokens x width]
  };

  /// in and inverses: as in forward; out_gradient: [tokens x width], elsewhere than what is added to.
  void backward(matrix_view<const A> in, vector_view<const A> inverses, matrix_view<const A> out_gradient,
                const gradients& into) const noexcept {
    for (index_t token = 0; token < in.rows(); ++token) {
      const A* x = in.row(token).data();
      const A* slope = out_gradient.row(token).data();
      const A inverse = inverses[token];
      A along = 0;
      for (index_t i = 0; i < in.columns(); ++i) {
        along += gain[i] * slope[i] * x[i] * inverse;
        if (!into.gain.empty()) into.gain[i] += slope[i] * x[i] * inverse;
      }
      if (into.in.empty()) continue;
      along /= static_cast<A>(in.columns());
      for (index_t i = 0; i < in.columns(); ++i) {
        into.in(token, i) += inverse * (gain[i] * slope[i] - x[i] * inverse * along);
      }
    }
  }
};

}  // namespace fissile
