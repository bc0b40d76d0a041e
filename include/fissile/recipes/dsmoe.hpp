// DSMoE (Lv et al., EMNLP 2025, arXiv 2502.12455): a dense layer cut into a few experts, each behind a gate of its own
// that opens above a threshold; gates and experts learn together, and how many work is left to a penalty. In the order
// of the paper's method, its equations in brackets:
//
//   o_i(x) = (act(x W_i) * (x U_i)) V_i,  sum of all o_i = the dense layer             dsmoe::split              (6)
//   g_i    = sigmoid(x Y_i),  Y at random                                               dsmoe::random_gates
//   G(v)   = v if v > tau, else 0                                                       dsmoe::gate               (7)
//   y      = sum over i of o_i G(g_i) * n / #{i : g_i > tau}                            dsmoe::layer              (8)
//   S(v)   = constant(G(v)) + v - constant(v), so that dS/dv = 1                        straight_through    (10 - 16)
//   L      = L_LM + 1 / (layers n) * sum over layers and experts of G(g_i)              dsmoe::penalty           (19)
//
// What the paper does not tell is a named choice, marked as ours.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/partition/even_slices.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/squashes.hpp>
#include <fissile/train/penalty.hpp>
#include <fissile/train/trainable_ffn.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace fissile::dsmoe {

struct choices {
  index_t experts = 8;     // n
  float threshold = 0.5f;  // tau
  double init_scale = 0;   // of the gates' rows, ours: a normal's deviation; 0: 1 / sqrt(width)
  std::uint64_t seed = 0;  // of the gates, ours
  // Ours, too: whether n / active also stands in training (the paper shows it for the layer and does not say), and what
  // becomes of a token for which no gate opens.
  rescaling rescale = rescaling::by_active;
  nothing_active if_none = nothing_active::zero;
  double penalty = 1;  // the paper has no factor; a penalty_controller that moves it is ours
  token_reduction tokens = token_reduction::mean;  // ours: the paper writes no reduction over tokens
};

/// (6) Equal groups in the order the neurons are stored in. Throws setting_error where they cannot be equal: 11008
/// neurons are 8 experts of 1376.
template <element T>
partition split(const ffn_weights<T>& ffn, const choices& chosen) {
  if (chosen.experts < 1 || ffn.neurons() % chosen.experts != 0) {
    fail<setting_error>({.argument = "dsmoe: experts",
                         .expected = "a divisor of " + std::to_string(ffn.neurons()) + ", the neurons of the layer",
                         .got = std::to_string(chosen.experts),
                         .cure = "even_slices makes experts that differ by one neuron"});
  }
  return even_slices{}.split(ffn, chosen.experts);
}

/// Y, a row for each expert. [experts x width] For layers of one model, give each a seed of its own.
inline std::vector<float> random_gates(index_t width, const choices& chosen) {
  random_source random{chosen.seed};
  const double scale = chosen.init_scale > 0 ? chosen.init_scale : 1 / std::sqrt(static_cast<double>(width));
  std::vector<float> rows(to_size(chosen.experts * width));
  for (float& weight : rows) weight = static_cast<float>(scale * random.normal());
  return rows;
}

/// (7, 8) Serves training and inference alike.
inline threshold_gate gate(const choices& chosen) noexcept {
  return {.threshold = chosen.threshold, .rescale = chosen.rescale, .if_none = chosen.if_none};
}

/// The layer in training; backward with straight_through{} is the paper's, with hard{} its ablation. Borrows the
/// weights and the rows.
template <element T, std::floating_point A, class Activation>
trainable_ffn<T, A, Activation> layer(const ffn_weights<T>& ffn, matrix_view<A> rows, Activation activate,
                                      const choices& chosen) {
  return {borrow(ffn, split(ffn, chosen)), matrix_view<const A>(rows), std::move(activate), gate(chosen)};
}

/// (19) One layer's share of the penalty.
inline activity_penalty penalty(index_t layers, const choices& chosen) noexcept {
  return {.weight = chosen.penalty, .layers = layers, .tokens = chosen.tokens};
}

/// The router in inference, in front of a sparse_ffn over `split`, borrowed or packed. `chosen.threshold` need not be
/// that of training: the paper sweeps it afterwards. rows: [experts x width], borrowed.
inline auto router_of(matrix_view<const float> rows, const choices& chosen) {
  return router{linear_scorer{rows}, sigmoid{}, gate(chosen)};
}

/// What a token activates of the weights of all layers, in numbers: `active` is the mean share of experts that work.
/// The gates themselves count in full.
inline double activated_weights(const ffn_weights<float>& ffn, index_t layers, double active, const choices& chosen) {
  const double matrices = ffn.gated() ? 3 : 2;
  const double width = static_cast<double>(ffn.width());
  return static_cast<double>(layers) *
         (active * matrices * width * static_cast<double>(ffn.neurons()) + width * static_cast<double>(chosen.experts));
}

}  // namespace fissile::dsmoe
