// Where backward adds gradients: the caller's memory, in the number that is computed in.
#pragma once

#include <fissile/base/view.hpp>

#include <string>

namespace fissile {

/// Gradients of a loss, each in the shape of what it belongs to. Backward adds (`+=`): set them to zero between steps.
/// What is left out is not computed: leave out `tokens` for a first layer, the experts to train a router alone.
/// Float whatever the weights are stored in, double in checks.
template <std::floating_point A>
struct ffn_gradients {
  matrix_view<A> gate = {};       // [neurons x width]
  matrix_view<A> up = {};         // [neurons x width]
  matrix_view<A> down = {};       // [width x neurons]
  vector_view<A> gate_bias = {};  // [neurons]
  vector_view<A> up_bias = {};    // [neurons]
  vector_view<A> down_bias = {};  // [width]
  matrix_view<A> router = {};     // [experts x width]
  matrix_view<A> tokens = {};     // [tokens of the batch x width]
};

/// Throws shape_error unless every gradient that is given fits its layer and a batch of `tokens`.
template <std::floating_point A, class Layer>
void check_shapes(const ffn_gradients<A>& into, const Layer& layer, index_t tokens) {
  const auto matrix = [](const char* name, matrix_view<A> given, index_t rows, index_t columns) {
    if (given.empty() || (given.rows() == rows && given.columns() == columns)) return;
    fail<shape_error>({.argument = std::string("gradients: ") + name,
                       .expected = shape_of(rows, columns) + ", or none",
                       .got = shape_of(given),
                       .cure = "a gradient has the shape of what it belongs to"});
  };
  const auto vector = [](const char* name, vector_view<A> given, index_t expected) {
    if (given.empty() || given.length() == expected) return;
    fail<shape_error>({.argument = std::string("gradients: ") + name,
                       .expected = std::to_string(expected) + " numbers, or none",
                       .got = std::to_string(given.length()),
                       .cure = "a gradient has the shape of what it belongs to; the layer may have no such bias"});
  };
  const auto& ffn = layer.ffn();
  matrix("gate", into.gate, ffn.gate.rows(), ffn.gate.columns());
  matrix("up", into.up, ffn.up.rows(), ffn.up.columns());
  matrix("down", into.down, ffn.down.rows(), ffn.down.columns());
  vector("gate_bias", into.gate_bias, ffn.gate_bias.length());
  vector("up_bias", into.up_bias, ffn.up_bias.length());
  vector("down_bias", into.down_bias, ffn.down_bias.length());
  matrix("router", into.router, layer.experts(), layer.width());
  matrix("tokens", into.tokens, tokens, layer.width());
}

}  // namespace fissile
