// The dense layer without the terms that hardly count: single neurons and inputs are left out, with no experts at all.
//
//   a_j = activation(gate_j . x)           0 where |a_j| <= activated      CATS (Lee et al. 2024, arXiv 2404.08763)
//   h_j = a_j * (up_j . x)                 only for neurons that are left
//   y   = down . h
//
// and in each of the three products an input is taken for 0 where its magnitude is <= the threshold of that product
// (TEAL, Liu et al. 2025, arXiv 2408.14690). Where a threshold is negative nothing is left out there: with all of them
// negative this is the dense layer. Which threshold leaves out what share is told by detect/magnitude_histogram.hpp.
// TEAL's search for the shares of the single products is not built.
#pragma once

#include <fissile/run/activation_thresholds.hpp>
#include <fissile/weights/activations.hpp>
#include <fissile/weights/ffn_weights.hpp>
#include <fissile/weights/row_products.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace fissile {

/// Sees nothing.
struct no_watch {
  void operator()(vector_view<const float>, vector_view<const float>, vector_view<const float>) const noexcept {}
};

/// Borrows the weights. Each token is computed alone, since each leaves out something else; a large batch runs faster
/// in `sparse_ffn`. Rows of up that are left out are not read at all. Single inputs save products only: they are
/// columns of matrices that lie row by row, and memory is read by the line.
template <element T, class Activation>
class thresholded_ffn {
  static_assert(activation<Activation>,
                "fissile::thresholded_ffn, activation: `float operator()(float) const noexcept` "
                "(docs/concepts/activation.md)");

public:
  using element_type = T;

  /// Throws shape_error where the weights do not fit together.
  thresholded_ffn(ffn_weights<T> ffn, Activation activate, activation_thresholds thresholds = {})
      : ffn_(ffn), activate_(std::move(activate)), thresholds_(thresholds) {
    check_shapes(ffn, "thresholded_ffn");
  }

  index_t width() const noexcept { return ffn_.width(); }
  index_t neurons() const noexcept { return ffn_.neurons(); }
  const activation_thresholds& thresholds() const noexcept { return thresholds_; }

  /// out += layer(tokens). tokens, out: [tokens x width]; they may not overlap. After each token watch(x, activated,
  /// hidden), a function that is noexcept, sees x, the a of all neurons, and the h of those that are left: with all
  /// thresholds negative, what histograms of thresholds want.
  template <class Watch = no_watch>
  skipped_counts accumulate(matrix_view<const float> tokens, thresholded_scratch& scratch, matrix_view<float> out,
                            const Watch& watch = {}) const noexcept {
    static_assert(noexcept(watch(vector_view<const float>{}, vector_view<const float>{}, vector_view<const float>{})),
                  "fissile::thresholded_ffn, watch: `void operator()(vector_view<const float> x, vector_view<const "
                  "float> activated, vector_view<const float> hidden) const noexcept`");
    Expects(tokens.columns() == width() && out.columns() == width() && out.rows() == tokens.rows());
    Expects(length(scratch.input) >= width() && length(scratch.hidden) >= neurons());
    Expects(!overlap(tokens, out));
    skipped_counts counts;
    for (index_t token = 0; token < tokens.rows(); ++token) {
      const index_t left = fill_hidden(tokens.row(token), scratch, counts);
      watch(tokens.row(token), vector_view<const float>{scratch.activated.data(), neurons()},
            vector_view<const float>{scratch.hidden.data(), left});
      add_output(left, scratch, out.row(token), counts);
      ++counts.tokens;
      counts.dense += static_cast<std::uint64_t>((ffn_.gated() ? 3 : 2) * neurons() * width());
    }
    return counts;
  }
  /// out = layer(tokens).
  template <class Watch = no_watch>
  skipped_counts operator()(matrix_view<const float> tokens, thresholded_scratch& scratch, matrix_view<float> out,
                            const Watch& watch = {}) const noexcept {
    for (index_t token = 0; token < out.rows(); ++token) {
      std::fill(out.row(token).begin(), out.row(token).end(), 0.0f);
    }
    return accumulate(tokens, scratch, out, watch);
  }

private:
  /// A NaN is not left out: it shows in the output, as in the dense layer's.
  static bool is_left(float number, float threshold) noexcept { return !(std::abs(number) <= threshold); }

  /// The inputs of one product that are left.
  token_tile gather(vector_view<const float> x, float threshold, thresholded_scratch& scratch) const noexcept {
    index_t left = 0;
    for (index_t i = 0; i < x.length(); ++i) {
      if (!is_left(x[i], threshold)) continue;
      scratch.inputs[to_size(left)] = i;
      scratch.input[to_size(left++)] = x[i];
    }
    return {scratch.input.data(), left, 1};
  }

  /// sink(r, sum): the products of `count` rows of a matrix, row_of(0) ..., with the inputs that are left.
  template <class RowOf, class Sink>
  static void multiply(index_t count, const RowOf& row_of, token_tile tile, const index_t* inputs,
                       const Sink& sink) noexcept {
    multiply_rows<T>(
        count, [&](index_t r) noexcept { return row_of(r).data(); }, [&](index_t k) noexcept { return inputs[k]; },
        tile, [](index_t, index_t) noexcept { return 0.0f; },
        [&](index_t r, index_t, float sum) noexcept { sink(r, sum); });
  }

  static float with_bias(vector_view<const bias_of<T>> bias, index_t neuron, float sum) noexcept {
    return bias.empty() ? sum : sum + static_cast<float>(bias[neuron]);
  }

  /// Fills scratch.neurons and scratch.hidden; returns how many neurons are left.
  index_t fill_hidden(vector_view<const float> x, thresholded_scratch& scratch, skipped_counts& counts) const noexcept {
    // The product under the activation: of gate, or of up where there is no gate.
    const bool gated = ffn_.gated();
    const auto first = gated ? ffn_.gate : ffn_.up;
    const auto first_bias = gated ? ffn_.gate_bias : ffn_.up_bias;
    token_tile tile = gather(x, gated ? thresholds_.gate_input : thresholds_.up_input, scratch);
    (gated ? counts.gate_inputs : counts.up_inputs) += static_cast<std::uint64_t>(width() - tile.positions);
    counts.products += static_cast<std::uint64_t>(neurons() * tile.positions);
    multiply(
        neurons(), [&](index_t j) noexcept { return first.row(j); }, tile, scratch.inputs.data(),
        [&](index_t j, float sum) noexcept {
          scratch.activated[to_size(j)] = activate_(with_bias(first_bias, j, sum));
        });
    index_t left = 0;
    for (index_t j = 0; j < neurons(); ++j) {
      const float a = scratch.activated[to_size(j)];
      if (!is_left(a, thresholds_.activated)) continue;
      scratch.neurons[to_size(left)] = j;
      scratch.hidden[to_size(left++)] = a;
    }
    counts.neurons += static_cast<std::uint64_t>(neurons() - left);
    if (!gated) return left;
    tile = gather(x, thresholds_.up_input, scratch);
    counts.up_inputs += static_cast<std::uint64_t>(width() - tile.positions);
    counts.products += static_cast<std::uint64_t>(left * tile.positions);
    multiply(
        left, [&](index_t r) noexcept { return ffn_.up.row(scratch.neurons[to_size(r)]); }, tile, scratch.inputs.data(),
        [&](index_t r, float sum) noexcept {
          scratch.hidden[to_size(r)] *= with_bias(ffn_.up_bias, scratch.neurons[to_size(r)], sum);
        });
    return left;
  }

  void add_output(index_t left, thresholded_scratch& scratch, vector_view<float> out,
                  skipped_counts& counts) const noexcept {
    index_t kept = 0;
    for (index_t r = 0; r < left; ++r) {
      if (!is_left(scratch.hidden[to_size(r)], thresholds_.down_input)) continue;
      scratch.neurons[to_size(kept)] = scratch.neurons[to_size(r)];
      scratch.hidden[to_size(kept++)] = scratch.hidden[to_size(r)];
    }
    counts.down_inputs += static_cast<std::uint64_t>(left - kept);
    counts.products += static_cast<std::uint64_t>(kept * width());
    for (index_t i = 0; i < width(); ++i) out[i] = with_bias(ffn_.down_bias, i, out[i]);
    multiply_rows<T>(
        width(), [&](index_t i) noexcept { return ffn_.down.row(i).data(); },
        [&](index_t k) noexcept { return scratch.neurons[to_size(k)]; }, token_tile{scratch.hidden.data(), kept, 1},
        [&](index_t i, index_t) noexcept { return out[i]; },
        [&](index_t i, index_t, float sum) noexcept { out[i] = sum; });
  }

  ffn_weights<T> ffn_;
  [[no_unique_address]] Activation activate_;
  activation_thresholds thresholds_;
};

}  // namespace fissile
