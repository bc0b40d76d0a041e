// The hidden activations of chosen neurons for a few tokens: the first half of a feed-forward layer.
#pragma once

#include <fissile/weights/activations.hpp>
#include <fissile/weights/ffn_weights.hpp>
#include <fissile/weights/row_products.hpp>

namespace fissile {

/// sink(j, lane, h) with h the hidden activation of neurons[j] for each token of the tile; neurons: `count` of them.
/// Each h is exactly what `hidden_of` names, with the sums of row_products.hpp.
template <element T, activation Activation, class Sink>
void compute_hidden(const ffn_weights<T>& ffn, const Activation& activate, vector_view<const index_t> neurons,
                    token_tile tile, const Sink& sink) noexcept {
  const auto along = [](index_t k) noexcept { return k; };
  const auto from_zero = [](index_t, index_t) noexcept { return 0.0f; };
  const auto with_bias = [](vector_view<const bias_of<T>> bias, index_t neuron, float sum) noexcept {
    return bias.empty() ? sum : sum + static_cast<float>(bias[neuron]);
  };
  if (!ffn.gated()) {
    const auto row_at = [&](index_t r) noexcept { return ffn.up.row(neurons[r]).data(); };
    multiply_rows<T>(neurons.length(), row_at, along, tile, from_zero,
                     [&](index_t j, index_t lane, float sum) noexcept {
                       sink(j, lane, activate(with_bias(ffn.up_bias, neurons[j], sum)));
                     });
    return;
  }
  // Rows alternate, gate then up of one neuron, so that one pass over the tile serves both.
  const auto row_at = [&](index_t r) noexcept { return (r % 2 == 0 ? ffn.gate : ffn.up).row(neurons[r / 2]).data(); };
  std::array<float, to_size(lanes)> gated{};
  multiply_rows<T>(2 * neurons.length(), row_at, along, tile, from_zero,
                   [&](index_t r, index_t lane, float sum) noexcept {
                     const index_t neuron = neurons[r / 2];
                     if (r % 2 == 0) {
                       gated[to_size(lane)] = activate(with_bias(ffn.gate_bias, neuron, sum));
                     } else {
                       sink(r / 2, lane, gated[to_size(lane)] * with_bias(ffn.up_bias, neuron, sum));
                     }
                   });
}

}  // namespace fissile
