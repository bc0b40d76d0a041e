// What a Finedeep layer is made of: the dense layer's matrices, the grid they are cut by, routers and norms; and where
// the gradients of these go.
#pragma once

#include <fissile/train/gradients.hpp>
#include <fissile/weights/ffn_weights.hpp>

#include <string>

namespace fissile {

/// M x K. Expert i of sub-layer j has the neurons (j K + i) n ... in the order they are stored in, n = neurons / (M K).
struct finedeep_grid {
  index_t sublayers = 1;  // M
  index_t experts = 1;    // K, of each sub-layer
  double epsilon = 1e-6;  // of the norms
};

/// Borrowed. The layer is gated and without biases.
template <element T, std::floating_point A>
struct finedeep_weights {
  ffn_weights<T> ffn;
  matrix_view<const A> routers = {};  // [M K x width]; left out: every r is 1
  matrix_view<const A> norms = {};    // [M x width], the gains; left out: no norm
};

/// Where backward adds; what is left out is not computed.
template <std::floating_point A>
struct finedeep_gradients {
  ffn_gradients<A> layer = {};  // its `router` is that of the routers
  matrix_view<A> norms = {};    // [M x width]
};

/// Throws setting_error unless the layer's neurons make equal experts; says which counts M K do.
inline void check_divides(const finedeep_grid& grid, index_t neurons) {
  const bool positive = grid.sublayers >= 1 && grid.experts >= 1;
  if (positive && neurons % grid.sublayers == 0 && neurons / grid.sublayers % grid.experts == 0) return;
  std::string fitting;
  for (index_t count = 1; count <= neurons; ++count) {
    if (neurons % count == 0) fitting += (fitting.empty() ? "" : ", ") + std::to_string(count);
  }
  fail<setting_error>({.argument = "finedeep: sublayers * experts",
                       .expected = "a divisor of " + std::to_string(neurons) + " neurons: " + fitting,
                       .got = std::to_string(grid.sublayers) + " * " + std::to_string(grid.experts)});
}

}  // namespace fissile
