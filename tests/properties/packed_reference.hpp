// One token of a packed layer, neuron by neuron and in double: the formula that property tests compare with.
#pragma once

#include <fissile/route/route.hpp>
#include <fissile/weights/activations.hpp>

#include "properties/packed_kinds.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace fissile::testing {

/// What a layer made of one token.
struct outcome {
  vector_view<const float> x;
  const route& chosen;
  const float* before;
  const float* after;
  const float* activations;  // of the neurons that ran, experts one after the other
};
/// out = before + down_bias + sum over chosen neurons of down * (weight * h), in double. Each activation h is compared
/// with its formula, and outputs are made of the layer's own, so that rounding them to bf16 gives the same numbers.
template <class Kind, class T>
void expect_formula(const ffn_weights<T>& ffn, const partition& split, const outcome& token) {
  constexpr double bound = 1e-5;  // of a sum, relative to the sum of its terms' sizes
  constexpr bool rounds = Kind::how == products::bf16_dot;
  const typename Kind::activation_type activate;
  const auto input = [&](float x) { return static_cast<double>(rounds ? to_float(to_bf16(x)) : x); };
  const index_t width = ffn.width();
  std::vector<double> sum(to_size(width)), size(to_size(width));
  for (index_t i = 0; i < width; ++i) {
    const double bias = ffn.down_bias.empty() ? 0 : ffn.down_bias[i];
    sum[to_size(i)] = bias + static_cast<double>(token.before[i]);
    size[to_size(i)] = std::abs(bias) + std::abs(static_cast<double>(token.before[i]));
  }
  for (const choice& c : token.chosen) {
    for (index_t j = 0; j < split.size(c.expert); ++j) {
      const index_t neuron = split.expert(c.expert)[j];
      const auto of = [&](matrix_view<const T> rows, vector_view<const float> bias) {
        const double begin = bias.empty() ? 0 : bias[neuron];
        std::pair<double, double> total{begin, std::abs(begin)};
        for (index_t i = 0; i < width; ++i) {
          const double product = widen<double>(rows(neuron, i)) * input(token.x[i]);
          total.first += product;
          total.second += std::abs(product);
        }
        return total;
      };
      const auto up = of(ffn.up, ffn.up_bias), gate = ffn.gated() ? of(ffn.gate, ffn.gate_bias) : up;
      const double exact = activated(activate, gate.first) * (ffn.gated() ? up.first : 1);
      const double reach = bound_of(activate, gate.second) * (ffn.gated() ? up.second : 1);
      const float h = token.activations[split.offset(c.expert) + j];
      ASSERT_LE(std::abs(static_cast<double>(h) - exact), bound * reach) << "neuron " << neuron;
      const float weighted = h * c.weight;
      const double enters = rounds ? to_float(to_bf16(weighted)) : weighted;
      for (index_t i = 0; i < width; ++i) {
        const double product = widen<double>(ffn.down(i, neuron)) * enters;
        sum[to_size(i)] += product;
        size[to_size(i)] += std::abs(product);
      }
    }
  }
  for (index_t i = 0; i < width; ++i) {
    const auto at = to_size(i);
    ASSERT_LE(std::abs(static_cast<double>(token.after[i]) - sum[at]), bound * size[at]) << "output " << i;
  }
}

}  // namespace fissile::testing
