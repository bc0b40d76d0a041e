// Experts that may have neurons in common: lists of neurons, and a copy of the weights that gives each expert its own.
//
//   const auto lists = own_best(scores, 64);                          LLaMA-MoE's sharing inner
//   const auto stack = gather(ffn, lists);                            a neuron of two experts is there twice
//   const sparse_ffn run{borrow(stack.view()), silu{}};
//
// No such split has law 1: with every expert on, a neuron works as often as it is listed.
#pragma once

#include <fissile/partition/importance_split.hpp>
#include <fissile/weights/stacked_ffn_weights.hpp>

#include <vector>

namespace fissile {

/// Of each expert the neurons it has, in the order they are stacked in.
using neuron_lists = std::vector<std::vector<index_t>>;

/// Each expert its own best, whoever else has them (LLaMA-MoE, Zhu et al. 2024: sharing inner); the best first, ties to
/// the lower neuron. scores: [experts x neurons]. Throws setting_error unless 1 <= size <= neurons, or for a NaN.
inline neuron_lists own_best(matrix_view<const double> scores, index_t size) {
  if (size < 1 || size > scores.columns()) {
    fail<setting_error>({.argument = "own_best: size",
                         .expected = "from 1 to " + std::to_string(scores.columns()) + ", the number of neurons",
                         .got = std::to_string(size)});
  }
  neuron_lists lists;
  for (index_t e = 0; e < scores.rows(); ++e) {
    lists.push_back(most_wanted_first(scores.row(e), "own_best"));
    lists.back().resize(to_size(size));
  }
  return lists;
}

/// Experts of equal size one after the other, in memory of its own.
template <element T>
struct owned_stack {
  index_t experts = 0;
  index_t neurons = 0;  // of each
  index_t width = 0;
  std::vector<T> gate = {};  // [experts * neurons x width], or empty: no gate
  std::vector<T> up = {};    // [experts * neurons x width]
  std::vector<T> down = {};  // [experts * width x neurons]

  /// Borrowed from this object: valid while it lives and is not changed.
  stacked_ffn_weights<T> view() const noexcept {
    const matrix_view<const T> gates{gate.data(), experts * neurons, width};
    return {.gate = gate.empty() ? matrix_view<const T>{} : gates,
            .up = {up.data(), experts * neurons, width},
            .down = {down.data(), experts * width, neurons},
            .experts = experts};
  }
};

/// Copies. Throws shape_error where lists differ in length or the layer has biases, which a stack has not, and
/// setting_error for no lists or a neuron that is not there.
template <element T>
owned_stack<T> gather(const ffn_weights<T>& ffn, const neuron_lists& lists) {
  check_shapes(ffn, "gather");
  if (!ffn.gate_bias.empty() || !ffn.up_bias.empty() || !ffn.down_bias.empty()) {
    fail<shape_error>({.argument = "gather: ffn", .expected = "no biases: a stack has none", .got = "some"});
  }
  if (lists.empty() || lists.front().empty()) {
    fail<setting_error>(
        {.argument = "gather: lists", .expected = "at least one expert of at least one neuron", .got = "none"});
  }
  for (const std::vector<index_t>& list : lists) {
    if (list.size() != lists.front().size()) {
      fail<shape_error>({.argument = "gather: lists",
                         .expected = "experts of " + std::to_string(lists.front().size()) + " neurons, as the first",
                         .got = std::to_string(list.size())});
    }
    for (index_t neuron : list) {
      if (neuron >= 0 && neuron < ffn.neurons()) continue;
      fail<setting_error>({.argument = "gather: lists",
                           .expected = "neurons from 0 to " + std::to_string(ffn.neurons() - 1),
                           .got = std::to_string(neuron)});
    }
  }
  owned_stack<T> stack{.experts = length(lists), .neurons = length(lists.front()), .width = ffn.width()};
  const auto add_row = [](std::vector<T>& to, vector_view<const T> row) {
    to.insert(to.end(), row.begin(), row.end());
  };
  for (const std::vector<index_t>& list : lists) {
    for (index_t neuron : list) {
      if (ffn.gated()) add_row(stack.gate, ffn.gate.row(neuron));
      add_row(stack.up, ffn.up.row(neuron));
    }
    for (index_t i = 0; i < ffn.width(); ++i) {
      for (index_t neuron : list) stack.down.push_back(ffn.down(i, neuron));
    }
  }
  return stack;
}

}  // namespace fissile
