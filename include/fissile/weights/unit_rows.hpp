// Directions alone: rows scaled to length one, and what a layer of such rows does with tokens scaled alike.
//
// CMoE (Pei et al. 2025, "Analytical FFN-to-MoE Restructuring", arXiv 2502.04416) looks at a layer in this way, both to
// cluster its neurons and to route: with g^, u^ and x^ = g, u and x divided by their lengths,
//
//   h_j = activation(g^_j . x^) * (u^_j . x^)
#pragma once

#include <fissile/weights/hidden_products.hpp>

#include <cmath>
#include <numeric>
#include <vector>

namespace fissile {

namespace detail {
/// For rows whose squares are too large or too small for float.
inline void scale_extremes_to_unit(vector_view<float> row) noexcept {
  double sum = 0;
  for (index_t i = 0; i < row.length(); ++i) sum += static_cast<double>(row[i]) * static_cast<double>(row[i]);
  if (!(sum > 0)) return;
  const double scale = 1.0 / std::sqrt(sum);
  for (index_t i = 0; i < row.length(); ++i) row[i] = static_cast<float>(row[i] * scale);
}
}  // namespace detail

/// row /= ||row||; zeros stay zeros, and a row that holds a NaN stays as it is. The squares are summed in float,
/// ascending.
inline void scale_to_unit(vector_view<float> row) noexcept {
  float sum = 0;
  for (index_t i = 0; i < row.length(); ++i) sum += row[i] * row[i];
  if (!std::isnormal(sum)) return detail::scale_extremes_to_unit(row);
  const float scale = 1.0f / std::sqrt(sum);
  for (index_t i = 0; i < row.length(); ++i) row[i] *= scale;
}

/// Rows of gate and up of some neurons, each of length one; biases are left out. Owns its memory.
struct unit_rows {
  index_t width = 0;
  std::vector<float> gate;  // [neurons x width], or empty: no gate
  std::vector<float> up;    // [neurons x width]

  index_t neurons() const noexcept { return width > 0 ? length(up) / width : 0; }
  /// Borrowed from this object; without `down`, which has no part in the hidden activations.
  ffn_weights<float> view() const noexcept {
    return {.gate = gate.empty() ? matrix_view<const float>{} : matrix_view<const float>{gate.data(), neurons(), width},
            .up = {up.data(), neurons(), width},
            .down = {}};
  }
};

/// The rows of these neurons, in the given order: of one representative an expert, say.
template <element T>
unit_rows unit_rows_of(const ffn_weights<T>& ffn, vector_view<const index_t> neurons) {
  check_shapes(ffn, "unit_rows_of");
  unit_rows found{.width = ffn.width(), .gate = {}, .up = {}};
  const auto add = [&](std::vector<float>& to, matrix_view<const T> from) {
    to.resize(to_size(neurons.length() * ffn.width()));
    for (index_t j = 0; j < neurons.length(); ++j) {
      Expects(neurons[j] >= 0 && neurons[j] < ffn.neurons());
      const vector_view<float> row{to.data() + j * ffn.width(), ffn.width()};
      for (index_t i = 0; i < ffn.width(); ++i) row[i] = widen<float>(from(neurons[j], i));
      scale_to_unit(row);
    }
  };
  if (ffn.gated()) add(found.gate, ffn.gate);
  add(found.up, ffn.up);
  return found;
}
/// The rows of every neuron.
template <element T>
unit_rows unit_rows_of(const ffn_weights<T>& ffn) {
  std::vector<index_t> every(to_size(ffn.neurons()));
  std::iota(every.begin(), every.end(), index_t{0});
  return unit_rows_of(ffn, every);
}

/// hidden = h of the formula above (without a gate, activation(u^ . x^)); a NaN in a token makes its whole row NaN.
/// tokens: [batch x width], of any length; hidden: [batch x neurons]. Allocates.
template <activation Activation>
void unit_hidden(const unit_rows& rows, const Activation& activate, matrix_view<const float> tokens,
                 matrix_view<float> hidden) {
  Expects(tokens.columns() == rows.width);
  Expects(hidden.rows() == tokens.rows() && hidden.columns() == rows.neurons());
  std::vector<index_t> every(to_size(rows.neurons()));
  std::iota(every.begin(), every.end(), index_t{0});
  std::vector<float> units(to_size(lanes * rows.width));
  std::vector<float> scratch(units.size());
  for (index_t first = 0; first < tokens.rows(); first += lanes) {
    const index_t count = tokens.rows() - first < lanes ? tokens.rows() - first : lanes;
    const matrix_view<float> unit{units.data(), count, rows.width};
    for (index_t token = 0; token < count; ++token) {
      for (index_t i = 0; i < rows.width; ++i) unit(token, i) = tokens(first + token, i);
      scale_to_unit(unit.row(token));
    }
    const token_tile tile = make_tile(
        rows.width, count, [&](index_t lane) noexcept { return unit.row(lane).data(); }, scratch.data());
    compute_hidden(rows.view(), activate, every, tile,
                   [&](index_t j, index_t lane, float value) noexcept { hidden(first + lane, j) = value; });
  }
}

}  // namespace fissile
