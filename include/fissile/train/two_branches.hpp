// A layer's general and specific neurons as two branches, and a gate that leads each token to the one or the other.
//
//   g = sigmoid(row . x)
//   y = down_bias + (1 - g) general(x) + g specific(x) + rest(x)
//
// LANDeRMT (Zhu et al. 2024) routes between a language-general and a language-specific branch. Of how, a fragment of
// its eq. 7 is known to us, h_G(x) = FFN_G(CAR(x) . x): there a factor stands at the input, ours multiplies outputs.
// This form is ours, after what CLSR (Zhang et al. 2021) does, without its noise: g in training, in inference 1 where
// g > 1/2 and 0 elsewhere. Neurons of neither branch work as they did.
//
//   dL/dhidden_j = w_j p_j           w_j: 1 - g, g or 1;  p_j = dL/dy . down_j
//   dL/drow = sum over tokens of s x,  s = g (1 - g) (sum over specific j of h_j p_j - sum over general j of h_j p_j)
#pragma once

#include <fissile/partition/partition.hpp>
#include <fissile/route/squashes.hpp>
#include <fissile/train/dense_layer.hpp>

#include <utility>
#include <vector>

namespace fissile {

enum class branch : char { general, specific, rest };
enum class gate_use {
  soft,  // g, as in training
  hard   // g > 1/2 ? 1 : 0, as in inference; a NaN is 0. It has no slope, as g (1 - g) is 0
};

/// T, A and Activation as of the dense layer; the row is borrowed.
template <element T, std::floating_point A, class Activation>
class two_branches {
public:
  using element_type = T;
  using number_type = A;

  /// branches: one a neuron; row: [width]. Throws shape_error where they do not fit.
  two_branches(dense_layer<T, A, Activation> layer, std::vector<branch> branches, vector_view<const A> row)
      : layer_(std::move(layer)), branches_(std::move(branches)), row_(row) {
    if (length(branches_) == neurons() && row.length() == width()) return;
    fail<shape_error>({.argument = "two_branches: branches, row",
                       .expected = std::to_string(neurons()) + " neurons, " + std::to_string(width()) + " numbers",
                       .got = std::to_string(branches_.size()) + ", " + std::to_string(row.length())});
  }

  index_t width() const noexcept { return layer_.width(); }
  index_t neurons() const noexcept { return layer_.neurons(); }
  index_t experts() const noexcept { return 1; }  // the gate has one row
  const ffn_weights<T>& ffn() const noexcept { return layer_.ffn(); }

  /// out = layer(tokens), as of the dense layer.
  void forward(matrix_view<const A> tokens, dense_tape<A>& remembered, matrix_view<A> out,
               gate_use use = gate_use::soft) const {
    Expects(out.rows() == tokens.rows() && out.columns() == width() && (out.empty() || out.data() != tokens.data()));
    layer_.hidden_forward(tokens, remembered);
    const vector_view<A> gates = remembered.start_branch_gates();
    for (index_t token = 0; token < tokens.rows(); ++token) gates[token] = gate(tokens.row(token), use);
    layer_.down().template forward<A>(weighted(remembered), remembered.scratch(), out);
  }

  /// Adds the gradients of a loss to `into`, that of the row to into.router, [1 x width], for the last forward with
  /// this tape, which must be this layer's; the gates are those of then. Afterwards the tape has dL/dhidden, of the
  /// hidden that is not yet weighed. Throws shape_error where a gradient does not fit.
  void backward(dense_tape<A>& remembered, matrix_view<const A> out_gradient, const ffn_gradients<A>& into) const {
    const matrix_view<const A> tokens = remembered.tokens();
    const vector_view<const A> gates = remembered.branch_gates();
    Expects(remembered.made_for(*this) && gates.length() == tokens.rows());
    Expects(out_gradient.rows() == tokens.rows() && out_gradient.columns() == width());
    check_shapes(into, *this, tokens.rows());
    linear_gradients<A>{into.down, into.down_bias}.add(weighted(remembered), out_gradient, remembered.scratch());
    const matrix_view<A> slopes = remembered.hidden_gradients();
    linear_map<A>{}.start(slopes);
    layer_.down().template backward<A>(out_gradient, remembered.scratch(), slopes);
    for (index_t token = 0; token < tokens.rows(); ++token) {
      gate_backward(remembered, token, into);
      for (index_t j = 0; j < neurons(); ++j) slopes(token, j) *= weight(j, gates[token]);
    }
    layer_.hidden_backward(remembered, into);
  }

  /// Of one token, [width].
  A gate(vector_view<const A> token, gate_use use) const noexcept {
    A score = 0;
    for (index_t i = 0; i < width(); ++i) score += row_[i] * token[i];
    const A g = sigmoid::of(score);
    return use == gate_use::soft ? g : g > A(0.5) ? A(1) : A(0);
  }

private:
  A weight(index_t neuron, A g) const noexcept {
    const branch own = branches_[to_size(neuron)];
    return own == branch::rest ? A(1) : own == branch::specific ? g : A(1) - g;
  }

  /// In scratch. [tokens x neurons]
  matrix_view<const A> weighted(dense_tape<A>& remembered) const noexcept {
    const matrix_view<const A> hidden = std::as_const(remembered).hidden();
    const vector_view<const A> gates = remembered.branch_gates();
    const matrix_view<A> made = remembered.scratch().weighted(hidden.rows(), neurons());
    for (index_t token = 0; token < hidden.rows(); ++token) {
      for (index_t j = 0; j < neurons(); ++j) made(token, j) = weight(j, gates[token]) * hidden(token, j);
    }
    return made;
  }

  /// Before the slopes are weighed.
  void gate_backward(const dense_tape<A>& remembered, index_t token, const ffn_gradients<A>& into) const noexcept {
    const A g = remembered.branch_gates()[token], bend = g * (A(1) - g);
    if (bend == 0) return;
    A along = 0;
    for (index_t j = 0; j < neurons(); ++j) {
      const A change = remembered.hidden()(token, j) * remembered.hidden_gradients()(token, j);
      along += branches_[to_size(j)] == branch::rest       ? A(0)
               : branches_[to_size(j)] == branch::specific ? change
                                                           : -change;
    }
    const A slope = along * bend;
    for (index_t i = 0; i < width(); ++i) {
      if (!into.router.empty()) into.router(0, i) += slope * remembered.tokens()(token, i);
      if (!into.tokens.empty()) into.tokens(token, i) += slope * row_[i];
    }
  }

  dense_layer<T, A, Activation> layer_;
  std::vector<branch> branches_;  // [neurons]
  vector_view<const A> row_;
};

}  // namespace fissile
