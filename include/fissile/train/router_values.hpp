// The elementwise middle of the router, forward and backward side by side.
//
//   value_i  = sigmoid(score_i)
//   weight_i = factor * G(value_i)                        threshold_gate.hpp
//
// Backward, with the slope of a surrogate for that of G:
//
//   dL/dscore_i = (factor * dS/dvalue_i * dL/dweight_i + dL/dvalue_i of penalties) * value_i * (1 - value_i)
#pragma once

#include <fissile/route/squashes.hpp>
#include <fissile/train/tape.hpp>

namespace fissile {

/// scores -> values, weights, factors.
template <std::floating_point A>
void open_gates(tape<A>& remembered) noexcept {
  const matrix_view<const A> scores = remembered.scores();
  for (index_t token = 0; token < scores.rows(); ++token) {
    const vector_view<A> values = remembered.values().row(token);
    for (index_t expert = 0; expert < values.length(); ++expert) values[expert] = sigmoid::of(scores(token, expert));
    remembered.factors()[token] = remembered.rule().open(values, remembered.weights().row(token));
  }
}

/// dL/dweight, found in scores, and value gradients -> dL/dscore, left in scores.
template <std::floating_point A, class Surrogate>
void open_gates_backward(const Surrogate& slopes, tape<A>& remembered) noexcept {
  const matrix_view<A> gradients = remembered.scores();
  for (index_t token = 0; token < gradients.rows(); ++token) {
    const A factor = remembered.factors()[token];
    for (index_t expert = 0; expert < gradients.columns(); ++expert) {
      const A value = remembered.values()(token, expert);
      // A weight of 0 says inactive; should an active value be 0 itself, its sigmoid has no slope left either.
      const activity state = remembered.weights()(token, expert) != A(0) ? activity::active : activity::inactive;
      const A through_weight = factor * slopes.slope(value, state) * gradients(token, expert);
      gradients(token, expert) =
          (through_weight + remembered.value_gradients()(token, expert)) * value * (A(1) - value);
    }
  }
}

}  // namespace fissile
