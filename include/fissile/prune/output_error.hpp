// What changing a linear layer's weights does to its outputs.
#pragma once

#include <fissile/prune/weight_score.hpp>

#include <cmath>
#include <limits>

namespace fissile {

/// || X W^T - X W'^T || / || X W^T || in the Frobenius norm, computed in double. inputs X: [positions x inputs];
/// weights W and changed W': [outputs x inputs]. 0 where both norms are 0, infinite where only the second is. Throws
/// shape_error where the three do not fit together.
template <stored_weight T, stored_weight U>
double output_error(matrix_view<const float> inputs, matrix_view<T> weights, matrix_view<U> changed) {
  if (weights.rows() != changed.rows() || weights.columns() != changed.columns()) {
    fail<shape_error>({.argument = "output_error: changed", .expected = shape_of(weights), .got = shape_of(changed)});
  }
  if (inputs.columns() != weights.columns()) {
    fail<shape_error>({.argument = "output_error: inputs",
                       .expected = std::to_string(weights.columns()) + " columns, one an input",
                       .got = shape_of(inputs)});
  }
  double distance = 0;
  double whole = 0;
  for (index_t output = 0; output < weights.rows(); ++output) {
    for (index_t position = 0; position < inputs.rows(); ++position) {
      const float* x = inputs.row(position).data();
      double before = 0;
      double difference = 0;
      for (index_t j = 0; j < inputs.columns(); ++j) {
        const double old = widen<double>(std::remove_const_t<T>{weights(output, j)});
        const double now = widen<double>(std::remove_const_t<U>{changed(output, j)});
        before += old * static_cast<double>(x[j]);
        difference += (old - now) * static_cast<double>(x[j]);
      }
      whole += before * before;
      distance += difference * difference;
    }
  }
  if (whole > 0) return std::sqrt(distance / whole);
  return distance > 0 ? std::numeric_limits<double>::infinity() : 0.0;
}

}  // namespace fissile
