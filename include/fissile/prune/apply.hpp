// Acting: a verdict is carried out, and a layer becomes really smaller.
//
// The survivors keep their stored order, so that the smaller layer gives, bit for bit, what the old one gives with only
// the survivors chosen.
#pragma once

#include <fissile/partition/partition.hpp>
#include <fissile/prune/prune_report.hpp>
#include <fissile/prune/verdict.hpp>
#include <fissile/weights/owned_ffn.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace fissile {

/// A layer without the experts that went.
template <element T>
struct pruned_ffn {
  owned_ffn<T> ffn;                   // the survivors' neurons, in their old order
  partition experts;                  // the survivors, numbered anew in their old order; shared ones stay shared
  std::vector<index_t> kept_experts;  // their old numbers, ascending
  std::vector<index_t> kept_neurons;  // [ffn.neurons]: the old number of each, ascending
  prune_report report;                // of this layer
};

/// The neurons of these experts, ascending.
inline std::vector<index_t> neurons_of(const partition& experts, const std::vector<index_t>& which) {
  std::vector<index_t> neurons;
  for (index_t e : which) neurons.insert(neurons.end(), experts.expert(e).begin(), experts.expert(e).end());
  std::sort(neurons.begin(), neurons.end());
  return neurons;
}

/// These experts alone, numbered anew in the given order, their neurons numbered anew in the old one.
inline partition only(const partition& experts, const std::vector<index_t>& which) {
  const std::vector<index_t> neurons = neurons_of(experts, which);
  std::vector<std::vector<index_t>> members;
  std::vector<index_t> shared;
  for (index_t e : which) {
    if (experts.shared(e)) shared.push_back(length(members));
    members.emplace_back();
    for (index_t neuron : experts.expert(e)) {
      members.back().push_back(std::lower_bound(neurons.begin(), neurons.end(), neuron) - neurons.begin());
    }
  }
  return partition{std::move(members), shared};
}

/// These neurons alone, in the given order: rows of gate and up, columns of down. Copies.
template <element T>
owned_ffn<T> only(const ffn_weights<T>& ffn, const std::vector<index_t>& neurons) {
  owned_ffn<T> kept{.width = ffn.width(), .neurons = length(neurons), .gate = {}, .up = {}, .down = {}};
  const auto add_row = [](std::vector<T>& to, vector_view<const T> row) {
    to.insert(to.end(), row.begin(), row.end());
  };
  for (index_t neuron : neurons) {
    if (ffn.gated()) add_row(kept.gate, ffn.gate.row(neuron));
    add_row(kept.up, ffn.up.row(neuron));
    if (!ffn.gate_bias.empty()) kept.gate_bias.push_back(ffn.gate_bias[neuron]);
    if (!ffn.up_bias.empty()) kept.up_bias.push_back(ffn.up_bias[neuron]);
  }
  for (index_t i = 0; i < ffn.width(); ++i) {
    for (index_t neuron : neurons) kept.down.push_back(ffn.down(i, neuron));
  }
  kept.down_bias.assign(ffn.down_bias.begin(), ffn.down_bias.end());
  return kept;
}

/// One layer as the verdict wants it; down_bias stays whole. Throws shape_error where weights, partition and verdict
/// do not fit together, setting_error where no expert would stay or the verdict has no such layer.
template <element T>
pruned_ffn<T> apply(const ffn_weights<T>& ffn, const partition& experts, const verdict& decided, index_t layer) {
  check_shapes(ffn, "apply");
  if (experts.neurons() != ffn.neurons()) {
    fail<shape_error>({.argument = "apply: experts",
                       .expected = "a partition of " + std::to_string(ffn.neurons()) + " neurons",
                       .got = "one of " + std::to_string(experts.neurons())});
  }
  if (layer < 0 || layer >= length(decided.layers)) {
    fail<setting_error>({.argument = "apply: layer",
                         .expected = "one of the verdict's " + std::to_string(decided.layers.size()) + " layers",
                         .got = std::to_string(layer)});
  }
  if (decided.experts(layer) != experts.experts()) {
    fail<shape_error>({.argument = "apply: verdict, layer " + std::to_string(layer),
                       .expected = std::to_string(experts.experts()) + " experts",
                       .got = std::to_string(decided.experts(layer)),
                       .cure = "apply it with the partition it was decided on"});
  }
  std::vector<index_t> kept_experts = decided.kept(layer);
  if (kept_experts.empty()) {
    fail<setting_error>({.argument = "apply: verdict, layer " + std::to_string(layer),
                         .expected = "at least one expert that stays",
                         .got = "none"});
  }
  std::vector<index_t> kept_neurons = neurons_of(experts, kept_experts);
  owned_ffn<T> smaller = only(ffn, kept_neurons);
  const prune_report report{
      .layers = 1, .before = cost_of(ffn, experts.experts()), .after = cost_of(smaller.view(), length(kept_experts))};
  return {.ffn = std::move(smaller),
          .experts = only(experts, kept_experts),
          .kept_experts = std::move(kept_experts),
          .kept_neurons = std::move(kept_neurons),
          .report = report};
}

/// The same layer with zero neurons added at the end, for files that want all layers equally wide. They compute 0 and
/// add 0: the output stays equal for every activation that is finite at 0.
/// Throws setting_error where `neurons` is less than there are.
template <element T>
owned_ffn<T> padded(const owned_ffn<T>& ffn, index_t neurons) {
  if (neurons < ffn.neurons) {
    fail<setting_error>({.argument = "padded: neurons",
                         .expected = "at least " + std::to_string(ffn.neurons),
                         .got = std::to_string(neurons)});
  }
  const T zero{};
  Expects(widen<double>(zero) == 0);
  owned_ffn<T> wider = ffn;
  wider.neurons = neurons;
  if (!ffn.gate.empty()) wider.gate.resize(to_size(neurons * ffn.width), zero);
  wider.up.resize(to_size(neurons * ffn.width), zero);
  wider.down.assign(to_size(ffn.width * neurons), zero);
  for (index_t i = 0; i < ffn.width; ++i) {
    std::copy_n(ffn.down.begin() + i * ffn.neurons, ffn.neurons, wider.down.begin() + i * neurons);
  }
  if (!ffn.gate_bias.empty()) wider.gate_bias.resize(to_size(neurons), 0);
  if (!ffn.up_bias.empty()) wider.up_bias.resize(to_size(neurons), 0);
  return wider;
}

}  // namespace fissile
