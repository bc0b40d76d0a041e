// The dense layer in plain loops: the reference that everything else is compared with.
#pragma once

#include <fissile/weights/activations.hpp>
#include <fissile/weights/ffn_weights.hpp>

#include <vector>

namespace fissile {

/// The activation of one neuron for one token, with terms added in ascending order.
template <std::floating_point Accumulator, element Input, element T, activation Activation>
Accumulator hidden_of(const ffn_weights<T>& ffn, const Activation& activate, index_t neuron,
                      const Input* token) noexcept {
  const auto input = [&](matrix_view<const T> rows, vector_view<const bias_of<T>> bias) {
    Accumulator sum = 0;
    const T* row = rows.row(neuron).data();
    for (index_t i = 0; i < ffn.width(); ++i) sum += widen<Accumulator>(row[i]) * widen<Accumulator>(token[i]);
    return bias.empty() ? sum : sum + static_cast<Accumulator>(bias[neuron]);
  };
  const Accumulator up = input(ffn.up, ffn.up_bias);
  return ffn.gated() ? activated(activate, input(ffn.gate, ffn.gate_bias)) * up : activated(activate, up);
}

/// out = FFN(tokens), computed in `Accumulator`. Allocates one hidden vector; meant for checking, not for speed.
/// tokens: [batch x width]; out: [batch x width]. Throws shape_error for a layer that does not fit together.
template <std::floating_point Accumulator = float, element Input = float, element T, activation Activation>
void dense_ffn(const ffn_weights<T>& ffn, const Activation& activate,
               std::type_identity_t<matrix_view<const Input>> tokens,
               std::type_identity_t<matrix_view<Accumulator>> out) {
  check_shapes(ffn, "dense_ffn");
  Expects(tokens.columns() == ffn.width() && out.columns() == ffn.width() && out.rows() == tokens.rows());
  std::vector<Accumulator> hidden(to_size(ffn.neurons()));
  for (index_t token = 0; token < tokens.rows(); ++token) {
    for (index_t neuron = 0; neuron < ffn.neurons(); ++neuron) {
      hidden[to_size(neuron)] = hidden_of<Accumulator, Input>(ffn, activate, neuron, tokens.row(token).data());
    }
    for (index_t i = 0; i < ffn.width(); ++i) {
      Accumulator sum = ffn.down_bias.empty() ? Accumulator(0) : static_cast<Accumulator>(ffn.down_bias[i]);
      for (index_t neuron = 0; neuron < ffn.neurons(); ++neuron) {
        sum += widen<Accumulator>(ffn.down(i, neuron)) * hidden[to_size(neuron)];
      }
      out(token, i) = sum;
    }
  }
}

}  // namespace fissile
