// What a thresholded layer is told and tells: its thresholds, the memory of a call, and how much it left out.
#pragma once

#include <fissile/base/view.hpp>

#include <cstdint>
#include <vector>

namespace fissile {

/// A magnitude <= its threshold counts as 0; a negative threshold leaves nothing out.
struct activation_thresholds {
  float gate_input = -1;  // TEAL, |x_i| for gate
  float up_input = -1;    // TEAL, |x_i| for up
  float activated = -1;   // CATS, |a_j|: neither row j of up nor column j of down is read
  float down_input = -1;  // TEAL, |h_j|
};

/// What was left out, in sums that merge.
struct skipped_counts {
  std::uint64_t tokens = 0;
  std::uint64_t gate_inputs = 0;
  std::uint64_t up_inputs = 0;
  std::uint64_t neurons = 0;      // by `activated`
  std::uint64_t down_inputs = 0;  // by `down_input`, of the neurons that were left
  std::uint64_t products = 0;     // of a stored weight and a number, done
  std::uint64_t dense = 0;        // those that the dense layer would have done

  /// Products done, of all; 1 before any token.
  double active_share() const noexcept {
    return dense == 0 ? 1.0 : static_cast<double>(products) / static_cast<double>(dense);
  }
  skipped_counts& operator+=(const skipped_counts& other) noexcept {
    tokens += other.tokens;
    gate_inputs += other.gate_inputs;
    up_inputs += other.up_inputs;
    neurons += other.neurons;
    down_inputs += other.down_inputs;
    products += other.products;
    dense += other.dense;
    return *this;
  }
  friend bool operator==(const skipped_counts&, const skipped_counts&) = default;
};

/// The memory of one call: one for each thread that calls.
class thresholded_scratch {
public:
  /// Sized for `layer`, and for any layer that is not larger.
  template <class Layer>
  explicit thresholded_scratch(const Layer& layer)
      : inputs(to_size(layer.width())),
        input(to_size(layer.width())),
        neurons(to_size(layer.neurons())),
        activated(to_size(layer.neurons())),
        hidden(to_size(layer.neurons())) {}

  // What follows is for the layer.
  std::vector<index_t> inputs;   // [width]: which inputs are left
  std::vector<float> input;      // [width]: they
  std::vector<index_t> neurons;  // [neurons]: which neurons are left
  std::vector<float> activated;  // [neurons]: a of all
  std::vector<float> hidden;     // [neurons]: h of those that are left
};

}  // namespace fissile
