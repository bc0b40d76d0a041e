// SparseGPT: weights go column by column, and those to the right are changed to make up for what went.
//
// After Frantar and Alistarh 2023 ("SparseGPT", arXiv 2301.00774) and the authors' code, with H of input_hessian.hpp:
//
//   H_jj = 1 and W_:j = 0 for inputs j that are always 0;  H += damping * mean(diag H) * 1;  U^T U = H^-1, U upper
//   for each column j, in blocks:  error = (W_ij - Q_ij) / U_jj;  W_ik -= error * U_jk for k > j
//
// where Q_ij is W_ij, or 0 if the weight goes. What goes is judged by W_ij^2 / U_jj^2, as the weights are by then.
#pragma once

#include <fissile/detect/input_hessian.hpp>
#include <fissile/prune/cholesky.hpp>
#include <fissile/prune/weight_mask.hpp>

#include <cmath>
#include <limits>

namespace fissile {

/// Computed in double, in about 16 inputs^2 + 9 outputs * inputs bytes. Weights are float or double, since the update
/// makes new numbers: widen 16-bit ones first.
struct sparsegpt {
  double damping = 0.01;  // the share of H's mean diagonal that is added to it
  index_t block = 128;    // columns whose weights compete with each other

  /// Removes weights and changes the others, in place. weights: [outputs x inputs]. Each block loses the weights up to
  /// the score that stands at floor(count * rate) in ascending order, so one more than the rate says and those equal to
  /// it, as the authors' code has it; at rate 0 none (ours). A weight that is NaN goes last, and one that is no finite
  /// number changes no other (ours). Throws shape_error where the Hessian has other inputs, setting_error where a
  /// setting cannot be or no sample was measured.
  template <std::floating_point T, std::floating_point A>
  weight_mask prune(matrix_view<T> weights, const input_hessian<A>& inputs, unstructured share) const {
    return run(weights, inputs, share);
  }
  /// The same with exactly `removed` of every group: those with the lowest scores when the group is reached, of equals
  /// the one further left. Throws setting_error also where `block` is not whole groups.
  template <std::floating_point T, std::floating_point A>
  weight_mask prune(matrix_view<T> weights, const input_hessian<A>& inputs, n_of_m groups) const {
    if (groups.of > 0 && block % groups.of != 0) {
      fail<setting_error>({.argument = "sparsegpt: block",
                           .expected = "a multiple of " + std::to_string(groups.of),
                           .got = std::to_string(block)});
    }
    return run(weights, inputs, groups);
  }

private:
  template <class T, class A, class Sparsity>
  weight_mask run(matrix_view<T> weights, const input_hessian<A>& inputs, Sparsity share) const;
  template <class T, class A>
  void check(matrix_view<T> weights, const input_hessian<A>& inputs) const;
};

namespace detail {

/// The weights as they are by now, and what has gone.
struct sparsegpt_state {
  square_matrix upper;          // U
  std::vector<double> weights;  // [outputs x inputs]
  weight_mask mask;

  double score(index_t output, index_t input) const noexcept {
    const double scaled = weights[to_size(output * mask.inputs + input)] / upper(input, input);
    return scaled * scaled;
  }

  /// Before columns first ... last - 1: what goes of them, over all rows.
  void choose_in_block(unstructured share, index_t first, index_t last) {
    std::vector<double> scores;
    for (index_t output = 0; output < mask.outputs; ++output) {
      for (index_t j = first; j < last; ++j) {
        const double found = score(output, j);
        scores.push_back(std::isnan(found) ? std::numeric_limits<double>::infinity() : found);
      }
    }
    if (scores.empty() || !(share.rate > 0)) return;
    std::vector<double> sorted = scores;
    const auto limit = sorted.begin() + share.removed_of(length(sorted));
    std::nth_element(sorted.begin(), limit, sorted.end());
    for (index_t i = 0; i < length(scores); ++i) {
      const bool goes = scores[to_size(i)] <= *limit && std::isfinite(scores[to_size(i)]);
      const index_t row = i / (last - first);
      if (goes) mask.kept[to_size(row * mask.inputs + first + i % (last - first))] = 0;
    }
  }
  void choose_in_block(n_of_m, index_t, index_t) noexcept {}

  /// Before one weight: what goes of the group that it begins.
  void choose_in_row(n_of_m groups, index_t output, index_t input) {
    if (input % groups.of != 0) return;
    std::vector<double> scores;
    for (index_t j = 0; j < groups.of; ++j) scores.push_back(score(output, input + j));
    remove_by_score(scores, groups.removed, removal_order::lowest_first,
                    {mask.kept.data() + output * mask.inputs + input, groups.of});
  }
  void choose_in_row(unstructured, index_t, index_t) noexcept {}

  /// One weight becomes 0, and those to its right make up for it.
  void eliminate(index_t output, index_t input) noexcept {
    double* w = weights.data() + output * mask.inputs;
    const double* u = upper.row(input);
    const double error = w[input] / u[input];
    w[input] = 0;
    if (!std::isfinite(error)) return;  // a damaged weight takes no other with it
    for (index_t k = input + 1; k < mask.inputs; ++k) w[k] -= error * u[k];
  }
};

/// U of the damped Hessian.
template <std::floating_point A>
square_matrix sparsegpt_factor(const input_hessian<A>& inputs, double damping) {
  square_matrix h(inputs.width());
  double mean = 0;
  for (index_t i = 0; i < h.order; ++i) {
    for (index_t j = 0; j <= i; ++j) h(i, j) = inputs(i, j);
    if (!(h(i, i) > 0)) h(i, i) = 1;
    mean += h(i, i) / static_cast<double>(h.order);
  }
  for (index_t i = 0; i < h.order; ++i) h(i, i) += damping * mean;
  std::optional<square_matrix> upper = factor_of_inverse(std::move(h));
  if (upper) return std::move(*upper);
  fail<setting_error>({.argument = "sparsegpt: damping",
                       .expected = "enough to make the Hessian positive definite",
                       .got = short_number(damping),
                       .cure = "inputs that depend on each other need some; 0.01 is usual"});
}

}  // namespace detail

template <class T, class A>
void sparsegpt::check(matrix_view<T> weights, const input_hessian<A>& inputs) const {
  if (inputs.width() != weights.columns()) {
    fail<shape_error>({.argument = "sparsegpt: weights",
                       .expected = std::to_string(inputs.width()) + " columns, as inputs were measured",
                       .got = shape_of(weights),
                       .cure = "weights are [outputs x inputs]; measure the inputs of this very matrix"});
  }
  if (inputs.read().samples() == 0) {
    fail<setting_error>({.argument = "sparsegpt: inputs", .expected = "measured samples", .got = "none"});
  }
  if (!(damping >= 0 && std::isfinite(damping))) {
    fail<setting_error>(
        {.argument = "sparsegpt: damping", .expected = "a number, at least 0", .got = short_number(damping)});
  }
  if (block < 1) {
    fail<setting_error>({.argument = "sparsegpt: block", .expected = "at least 1", .got = std::to_string(block)});
  }
}

template <class T, class A, class Sparsity>
weight_mask sparsegpt::run(matrix_view<T> weights, const input_hessian<A>& inputs, Sparsity share) const {
  check_sparsity(share, weights.columns(), "sparsegpt");
  check(weights, inputs);
  const index_t columns = weights.columns();
  detail::sparsegpt_state state{.upper = detail::sparsegpt_factor(inputs, damping),
                                .weights = {},
                                .mask = {.outputs = weights.rows(),
                                         .inputs = columns,
                                         .kept = std::vector<char>(to_size(weights.rows() * columns), char{1}),
                                         .score = "sparsegpt(" + inputs.read().corpus() + ")",
                                         .sparsity = share.name(),
                                         .from = {inputs.read().corpus(), inputs.read().positions()}}};
  for (index_t output = 0; output < weights.rows(); ++output) {
    for (index_t j = 0; j < columns; ++j) {
      const double weight = static_cast<double>(weights(output, j));
      state.mask.undefined += std::isnan(weight) ? 1 : 0;
      state.weights.push_back(inputs(j, j) > 0 ? weight : 0.0);
    }
  }
  for (index_t first = 0; first < columns; first += block) {
    const index_t last = std::min(first + block, columns);
    state.choose_in_block(share, first, last);
    for (index_t output = 0; output < weights.rows(); ++output) {
      for (index_t j = first; j < last; ++j) {
        state.choose_in_row(share, output, j);
        if (!state.mask.keeps(output, j)) state.eliminate(output, j);
      }
    }
  }
  for (index_t output = 0; output < weights.rows(); ++output) {
    for (index_t j = 0; j < columns; ++j) {
      weights(output, j) = static_cast<T>(state.weights[to_size(output * columns + j)]);
    }
  }
  return std::move(state.mask);
}

}  // namespace fissile
