// The user's feed-forward layer, borrowed: three matrices as model files hold them.
//
//   hidden_j = activation(gate_j . x + gate_bias_j) * (up_j . x + up_bias_j)     gated, as in LLaMA
//   hidden_j = activation(up_j . x + up_bias_j)                                  ungated: no gate, as in GPT-2
//   y        = down . hidden + down_bias
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/base/view.hpp>

#include <string>

namespace fissile {

/// Biases are float whatever the weights are stored in (double in references): they are few.
template <element T>
using bias_of = std::conditional_t<std::same_as<T, double>, double, float>;

/// A feed-forward layer. Row j of gate and up and column j of down belong to neuron j.
template <element T>
struct ffn_weights {
  using element_type = T;

  matrix_view<const T> gate = {};                // [neurons x width]; leave it out where the layer has no gate
  matrix_view<const T> up;                       // [neurons x width]
  matrix_view<const T> down;                     // [width x neurons]
  vector_view<const bias_of<T>> gate_bias = {};  // [neurons]; each bias may be left out
  vector_view<const bias_of<T>> up_bias = {};    // [neurons]
  vector_view<const bias_of<T>> down_bias = {};  // [width]

  constexpr index_t width() const noexcept { return up.columns(); }
  constexpr index_t neurons() const noexcept { return up.rows(); }
  constexpr bool gated() const noexcept { return !gate.empty(); }
};

/// Throws shape_error unless every view fits the shape of `up`.
template <element T>
void check_shapes(const ffn_weights<T>& ffn, std::string_view who) {
  const auto matrix = [&](const char* name, matrix_view<const T> given, index_t rows, index_t columns) {
    if (given.rows() == rows && given.columns() == columns) {
      if (!given.empty()) return;
      fail<shape_error>({.argument = std::string(who) + ": " + name,
                         .expected = shape_of(rows, columns) + " of numbers",
                         .got = "that shape without memory (a null pointer)",
                         .cure = "a layer without a gate leaves `gate` out altogether"});
    }
    const bool transposed = given.rows() == columns && given.columns() == rows;
    fail<shape_error>({.argument = std::string(who) + ": " + name,
                       .expected = shape_of(rows, columns),
                       .got = shape_of(given),
                       .cure = transposed ? "it looks transposed: rows are outputs, as PyTorch and GGUF store a layer"
                                          : "gate and up are [neurons x width], down is [width x neurons]"});
  };
  const auto vector = [&](const char* name, index_t given, index_t expected) {
    if (given == 0 || given == expected) return;
    fail<shape_error>(
        {.argument = std::string(who) + ": " + name,
         .expected = expected > 0 ? std::to_string(expected) + " numbers, or none" : "none, without a gate",
         .got = std::to_string(given)});
  };
  if (ffn.up.empty() || ffn.width() < 1 || ffn.neurons() < 1) {
    fail<shape_error>({.argument = std::string(who) + ": up",
                       .expected = "a matrix [neurons x width]",
                       .got = "an empty one",
                       .cure = "a layer without a gate has its only input matrix in `up`"});
  }
  if (ffn.gated() || ffn.gate.rows() > 0) matrix("gate", ffn.gate, ffn.neurons(), ffn.width());
  matrix("down", ffn.down, ffn.width(), ffn.neurons());
  vector("gate_bias", ffn.gate_bias.length(), ffn.gated() ? ffn.neurons() : 0);
  vector("up_bias", ffn.up_bias.length(), ffn.neurons());
  vector("down_bias", ffn.down_bias.length(), ffn.width());
}

}  // namespace fissile
