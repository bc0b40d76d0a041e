// How strong a penalty must be is found while training: a little stronger after each step in which too much is active,
// a little weaker after each other one (ReMoE, Wang et al. 2025, arXiv 2412.14711).
//
//   sparsity_controller control{.target = 0.25};
//   each step: penalise with .weight = control.weight, learn, then control.update(active_share(weights))
#pragma once

#include <fissile/base/view.hpp>

#include <algorithm>
#include <concepts>

namespace fissile {

/// The share of weights that are above 0: of the experts that work, over a batch. NaN is not above. 0 of no weights.
/// weights: [tokens x experts], as a relu or a threshold gate leaves them (`tape::weights`).
template <std::floating_point A>
double active_share(matrix_view<const A> weights) noexcept {
  index_t active = 0;
  for (index_t token = 0; token < weights.rows(); ++token) {
    for (const A weight : weights.row(token)) active += weight > A(0) ? 1 : 0;
  }
  const index_t all = weights.rows() * weights.columns();
  return all == 0 ? 0.0 : static_cast<double>(active) / static_cast<double>(all);
}

/// Serves any penalty with a weight: relu_penalty as in the paper, and activity_penalty, whose own paper (DSMoE) has no
/// target and takes what comes.
struct sparsity_controller {
  double target = 0.25;  // share of experts that should be active; k / experts in the paper
  double weight = 1e-8;  // of the penalty, now; the paper's first one
  double step = 1.2;     // above 1
  /// Bounds of the weight, ours: a target out of reach must not drive it so far that it takes ages to come back.
  double least = 1e-16;
  double most = 1e16;

  /// active: the mean share over the layers in the last step. At the target, as below it, the weight goes down.
  void update(double active) noexcept {
    Expects(step > 1 && least > 0 && least <= most);
    weight = std::clamp(active > target ? weight * step : weight / step, least, most);
  }
};

}  // namespace fissile
