// Where everything lies in an expert's panels.
//
//   an expert   [input panels][output panels], one after the other: one linear stream
//   input       a panel has 64 columns: 32 neurons' gates and the same neurons' ups, or 64 neurons' ups without a gate;
//               its terms are the `width` features of a token
//   output      a panel has 64 columns: 64 outputs; its terms are the expert's neurons
//   a panel     [scales, int8 only: blocks x 64 floats][steps][64 columns][terms of a step]
//
// A step has one term, or two neighbouring ones of bf16. Columns without a neuron or an output are zero; the numbers of
// terms are the layer's own. The layout is the same for every instruction set.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
#include <fissile/pack/kernel/tile.hpp>
#include <fissile/pack/packed_element.hpp>

#include <algorithm>

namespace fissile {

/// Terms between two visits of the sums in a batch: so much of a panel stays in the second-level cache.
template <packed_element T>
inline constexpr index_t block_terms = std::same_as<T, bf16> ? 512 : 256;

/// The shape and the place of the panels of one matrix: `columns` sums of `terms` products each.
template <packed_element T>
struct panel_matrix {
  index_t terms = 0;
  index_t columns = 0;
  index_t scale_terms = 0;  // int8: terms that share a scale, a divisor of block_terms or all of them (0)

  static constexpr index_t step_terms = std::same_as<T, bf16> ? 2 : 1;

  constexpr index_t panels() const noexcept { return (columns + kernel::panel_columns - 1) / kernel::panel_columns; }
  constexpr index_t steps() const noexcept { return (terms + step_terms - 1) / step_terms; }
  /// Rows of 64 scales that a panel begins with.
  constexpr index_t scale_rows() const noexcept {
    if constexpr (!std::same_as<T, int8>) return 0;
    return scale_terms == 0 ? 1 : (terms + scale_terms - 1) / scale_terms;
  }
  constexpr index_t scale_bytes() const noexcept {
    return scale_rows() * kernel::panel_columns * static_cast<index_t>(sizeof(float));
  }
  constexpr index_t panel_bytes() const noexcept {
    return scale_bytes() + steps() * step_terms * kernel::panel_columns * static_cast<index_t>(sizeof(T));
  }
  constexpr index_t bytes() const noexcept { return panels() * panel_bytes(); }

  /// The row of scales that `term` uses.
  constexpr index_t scale_row(index_t term) const noexcept { return scale_terms == 0 ? 0 : term / scale_terms; }
  /// Bytes from a panel's beginning to the weight of (term, column).
  constexpr index_t offset(index_t term, index_t column) const noexcept {
    const index_t step = term / step_terms;
    return scale_bytes() +
           ((step * kernel::panel_columns + column) * step_terms + term % step_terms) * static_cast<index_t>(sizeof(T));
  }
};

/// The panels of one expert.
template <packed_element T>
struct panel_layout {
  panel_matrix<T> in;   // terms: the width; columns: neurons, padded so that gate and up of one share a panel
  panel_matrix<T> out;  // terms: the expert's neurons; columns: the width
  index_t neurons_per_panel = kernel::panel_columns;

  panel_layout(index_t width, index_t neurons, bool gated, index_t scale_terms)
      : neurons_per_panel(gated ? kernel::panel_columns / 2 : kernel::panel_columns) {
    const index_t panels = (neurons + neurons_per_panel - 1) / neurons_per_panel;
    in = {.terms = width, .columns = panels * kernel::panel_columns, .scale_terms = scale_terms};
    out = {.terms = neurons, .columns = width, .scale_terms = scale_terms};
  }
  constexpr index_t bytes() const noexcept { return in.bytes() + out.bytes(); }
};

}  // namespace fissile
