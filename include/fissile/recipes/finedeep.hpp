// Finedeep (Pan et al., arXiv 2502.12928): the neurons of one dense layer as M sub-layers of K experts, trained from
// scratch; deeper at the same size, with fewer activations near zero. In the order of the paper's method:
//
//   E_{j,i}(x) = (act(x W_g) * (x W_u)) W_d on its own neurons          finedeep::split
//   x_j  = RMSNorm(h_{j-1}),  h_0: the residual stream                  finedeep::unit_norms
//   r    = sigmoid(E_{j,i}(x_j) . R_{j,i}),  not normalised             finedeep::random_routers
//   h_j  = sum over the K experts of r E_{j,i}(x_j) + h_{j-1}           finedeep::layer
//   share of activations with |act(x W_g)| > eps                        finedeep::count_non_sparse
//
// The output is h_M: it holds the residual, and the first norm is the block's own. That the norm stands before the
// experts and not behind is our reading. With M = 1, every r = 1 and no norm it is the dense layer and its residual;
// else it is a new architecture and keeps no function. What the paper does not tell is a named choice, marked as ours.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/partition/even_slices.hpp>
#include <fissile/train/finedeep_layer.hpp>
#include <fissile/train/flat_layer.hpp>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace fissile::finedeep {

struct choices {
  index_t sublayers = 2;   // M, ours: the paper's values are not known to us, nor are those of K
  index_t experts = 8;     // K, of each sub-layer
  double epsilon = 1e-6;   // of the norms, ours
  double init_scale = 0;   // of the routers' rows, ours: a normal's deviation; 0: 1 / sqrt(width)
  std::uint64_t seed = 0;  // of the routers, ours
};

inline finedeep_grid grid(const choices& chosen) noexcept {
  return {.sublayers = chosen.sublayers, .experts = chosen.experts, .epsilon = chosen.epsilon};
}

/// The M K experts, those of the first sub-layer first: equal runs of neurons in stored order, which is our choice.
/// Throws setting_error where they cannot be equal.
template <element T>
partition split(const ffn_weights<T>& ffn, const choices& chosen) {
  check_divides(grid(chosen), ffn.neurons());
  return even_slices{}.split(ffn, chosen.sublayers * chosen.experts);
}

/// R, a row for each expert. [M K x width] For layers of one model, give each a seed of its own.
template <std::floating_point A = float>
std::vector<A> random_routers(index_t width, const choices& chosen) {
  random_source random{chosen.seed};
  const double scale = chosen.init_scale > 0 ? chosen.init_scale : 1 / std::sqrt(static_cast<double>(width));
  std::vector<A> rows(to_size(chosen.sublayers * chosen.experts * width));
  for (A& weight : rows) weight = static_cast<A>(scale * random.normal());
  return rows;
}

/// The norms' gains at the start: 1. [M x width]
template <std::floating_point A = float>
std::vector<A> unit_norms(index_t width, const choices& chosen) {
  return std::vector<A>(to_size(chosen.sublayers * width), A(1));
}

/// Forward and backward. Borrows the weights.
template <element T, std::floating_point A, class Activation>
finedeep_layer<T, A, Activation> layer(const finedeep_weights<T, A>& weights, Activation activate,
                                       const choices& chosen) {
  return {weights, std::move(activate), grid(chosen)};
}

/// How many numbers the layer learns: those of the dense layer, M K routers and M norms of the layer's width.
template <element T>
index_t parameters(const ffn_weights<T>& ffn, const choices& chosen) noexcept {
  return parameters_of(ffn) + chosen.sublayers * (chosen.experts + 1) * ffn.width();
}

/// Activations, and how many of them are not near zero. Counts of layers and batches add up.
struct activity_count {
  std::uint64_t above = 0, all = 0;

  /// The non-sparse activation rate; 0 of none.
  double rate() const noexcept { return all == 0 ? 0 : static_cast<double>(above) / static_cast<double>(all); }
  activity_count& operator+=(const activity_count& other) noexcept {
    above += other.above;
    all += other.all;
    return *this;
  }
  friend bool operator==(const activity_count&, const activity_count&) = default;
};

/// Those with |act(x W_g)| > eps; NaN is none of them. The formula and eps are ours: report several.
/// activated: [tokens x neurons], of finedeep_tape or of a dense layer.
template <std::floating_point A>
activity_count count_non_sparse(matrix_view<const A> activated, double eps) noexcept {
  activity_count count;
  for (index_t token = 0; token < activated.rows(); ++token) {
    for (const A value : activated.row(token)) count.above += std::abs(static_cast<double>(value)) > eps ? 1 : 0;
    count.all += static_cast<std::uint64_t>(activated.columns());
  }
  return count;
}

}  // namespace fissile::finedeep
