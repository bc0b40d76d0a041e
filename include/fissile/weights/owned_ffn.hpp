// A feed-forward layer that owns its memory: what pruning makes, and what tests and examples fill.
#pragma once

#include <fissile/weights/ffn_weights.hpp>

#include <vector>

namespace fissile {

template <element T>
struct owned_ffn {
  index_t width = 0;
  index_t neurons = 0;
  std::vector<T> gate = {};  // [neurons x width], or empty: no gate
  std::vector<T> up = {};    // [neurons x width]
  std::vector<T> down = {};  // [width x neurons]
  std::vector<bias_of<T>> gate_bias = {};
  std::vector<bias_of<T>> up_bias = {};
  std::vector<bias_of<T>> down_bias = {};

  /// Borrowed from this object: valid while it lives and is not changed.
  ffn_weights<T> view() const noexcept {
    return {.gate = gate.empty() ? matrix_view<const T>{} : matrix_view<const T>{gate.data(), neurons, width},
            .up = {up.data(), neurons, width},
            .down = {down.data(), width, neurons},
            .gate_bias = gate_bias,
            .up_bias = up_bias,
            .down_bias = down_bias};
  }
};

}  // namespace fissile
