// A layer's numbers in one list: gate, up, down, gate_bias, up_bias, down_bias, each only where the layer has it.
// So an optimiser sees one list of parameters, and a file one tensor.
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/train/gradients.hpp>
#include <fissile/weights/ffn_weights.hpp>

#include <type_traits>
#include <vector>

namespace fissile {

/// How many numbers a layer has.
template <element T>
index_t parameters_of(const ffn_weights<T>& ffn) noexcept {
  const index_t matrices = ffn.gated() ? 3 : 2;
  return matrices * ffn.neurons() * ffn.width() + ffn.gate_bias.length() + ffn.up_bias.length() +
         ffn.down_bias.length();
}

/// The parts of a list that is laid out like this layer. numbers: parameters_of(like) of them, borrowed.
template <std::floating_point A, element T>
ffn_gradients<A> parts_of(vector_view<A> numbers, const ffn_weights<T>& like) noexcept {
  Expects(numbers.length() == parameters_of(like));
  A* next = numbers.data();
  const auto matrix = [&](index_t rows, index_t columns) {
    const matrix_view<A> part{next, rows, columns};
    next += rows * columns;
    return part;
  };
  const auto vector = [&](index_t count) {
    const vector_view<A> part{next, count};
    next += count;
    return part;
  };
  ffn_gradients<A> parts;
  if (like.gated()) parts.gate = matrix(like.neurons(), like.width());
  parts.up = matrix(like.neurons(), like.width());
  parts.down = matrix(like.width(), like.neurons());
  parts.gate_bias = vector(like.gate_bias.length());
  parts.up_bias = vector(like.up_bias.length());
  parts.down_bias = vector(like.down_bias.length());
  return parts;
}

/// The parts as weights to compute with.
template <std::floating_point A>
ffn_weights<A> weights_of(const ffn_gradients<A>& parts) noexcept {
  return {.gate = parts.gate,
          .up = parts.up,
          .down = parts.down,
          .gate_bias = parts.gate_bias,
          .up_bias = parts.up_bias,
          .down_bias = parts.down_bias};
}

/// A copy of the layer's numbers, widened to A.
template <std::floating_point A, element T>
std::vector<A> flatten(const ffn_weights<T>& ffn) {
  std::vector<A> numbers;
  numbers.reserve(to_size(parameters_of(ffn)));
  const auto add_row = [&](auto row) {
    for (index_t i = 0; i < row.length(); ++i) numbers.push_back(widen<A>(row[i]));
  };
  for (const matrix_view<const T> part : {ffn.gate, ffn.up, ffn.down}) {
    for (index_t row = 0; row < part.rows(); ++row) add_row(part.row(row));
  }
  for (const auto& bias : {ffn.gate_bias, ffn.up_bias, ffn.down_bias}) add_row(bias);
  return numbers;
}

}  // namespace fissile
