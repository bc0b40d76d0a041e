// The products of experts with the tokens they work for, and no others: forward and backward side by side.
//
//   y[t]        += sum over j in e of weighted[t][j] * down[.][j]          for tokens t of expert e
//   dL/ddown[.][j] += sum over t of dL/dy[t] * weighted[t][j]              for neurons j of expert e
//   dL/drow[j]  += sum over t of dL/dsum[t][j] * x[t]                      rows of gate or of up, sums = rows * x
//   dL/dx[t]    += sum over j in e of dL/dsum[t][j] * row[j]
//
// An expert that works for no token is in no run: its gradients are not touched, whatever its weights are.
#pragma once

#include <fissile/train/scratch.hpp>

namespace fissile {

/// weighted: [tokens x neurons]; down: [width x neurons]; out: [tokens x width].
template <element T, std::floating_point A>
void add_expert_outputs(matrix_view<const A> weighted, matrix_view<const T> down, training_scratch<A>& scratch,
                        matrix_view<A> out) noexcept {
  const matrix_view<const A> wide = scratch.widened(down);
  const auto width = picked_lines::all(out.columns());
  for (const expert_run& run : scratch.runs().all()) {
    scratch.space().add_product(pick(weighted, run.tokens, run.neurons).swapped(),
                                pick(wide, width, run.neurons).swapped(), pick(out, run.tokens, width));
  }
}

/// The gradient of `down`, added unless `into` is empty. out_gradient: [tokens x width]; into: [width x neurons].
template <std::floating_point A>
void add_down_gradient(matrix_view<const A> weighted, matrix_view<const A> out_gradient, training_scratch<A>& scratch,
                       matrix_view<A> into) noexcept {
  if (into.empty()) return;
  const auto width = picked_lines::all(into.rows());
  for (const expert_run& run : scratch.runs().all()) {
    scratch.space().add_product(pick(out_gradient, run.tokens, width), pick(weighted, run.tokens, run.neurons),
                                pick(into, width, run.neurons));
  }
}

/// The gradient of `gate` or `up`, added unless `into` is empty. tokens: [tokens x width];
/// sum_gradient: [tokens x neurons]; into: [neurons x width].
template <std::floating_point A>
void add_row_gradient(matrix_view<const A> tokens, matrix_view<const A> sum_gradient, training_scratch<A>& scratch,
                      matrix_view<A> into) noexcept {
  if (into.empty()) return;
  const auto width = picked_lines::all(into.columns());
  for (const expert_run& run : scratch.runs().all()) {
    scratch.space().add_product(pick(sum_gradient, run.tokens, run.neurons), pick(tokens, run.tokens, width),
                                pick(into, run.neurons, width));
  }
}

/// The gradient of the tokens through `gate` or `up`, added unless `into` is empty. rows: [neurons x width];
/// into: [tokens x width].
template <element T, std::floating_point A>
void add_token_gradient(matrix_view<const A> sum_gradient, matrix_view<const T> rows, training_scratch<A>& scratch,
                        matrix_view<A> into) noexcept {
  if (into.empty()) return;
  const matrix_view<const A> wide = scratch.widened(rows);
  const auto width = picked_lines::all(into.columns());
  for (const expert_run& run : scratch.runs().all()) {
    scratch.space().add_product(pick(sum_gradient, run.tokens, run.neurons).swapped(), pick(wide, run.neurons, width),
                                pick(into, run.tokens, width));
  }
}

}  // namespace fissile
