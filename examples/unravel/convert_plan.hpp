// Makes a plan for a model, layer by layer: its experts by one of the library's partitions, its router by what the
// layer did with texts.
//
//   analytic    the gate row, of length 1, of the neuron of each expert that is among the ten strongest most often: the
//               linear part of CMoE's router |silu(g . x) (u . x)|, which llama.cpp cannot multiply by the other part
//   distilled   rows that learned to give the dense output with the share of experts that is asked for
//
// Of shared experts, which have no row: markers and importance take the busiest neurons, as CMoE does.
#pragma once

#include "convert_distilled.hpp"
#include "distil_file.hpp"
#include "distil_rivals.hpp"
#include "moe_plan.hpp"

#include <fissile/detect/neuron_coactivation.hpp>
#include <fissile/file/partition_json.hpp>
#include <fissile/partition/balanced_clusters.hpp>
#include <fissile/partition/by_importance.hpp>
#include <fissile/partition/coactivation_graph.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/with/imatrix.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// How a plan is made.
struct planning {
  index_t experts = 0, active = 0;  // of a layer; for each token, of those that are not shared
  index_t shared = 0;               // of the experts, for every token
  split_rule split = split_rule::even;
  router_rule router = router_rule::zero;
  std::vector<partition> given_splits = {};            // of split_rule::file
  std::optional<imatrix> measured = {};                // of split_rule::importance
  std::vector<std::vector<float>> given_routers = {};  // of router_rule::file
  distil_settings fit = {};                            // of router_rule::distilled
  double spread = 1.0 / 256;                           // of the scores that the file's router gives
  std::uint64_t seed = 1;

  bool reads() const noexcept {
    return split == split_rule::coactivation || split == split_rule::markers || router != router_rule::zero;
  }
};

/// The hidden activations of all samples, some tokens at a time, handed to hear(hidden).
template <class Hear>
void overhear_hidden(const ffn_weights<float>& ffn, matrix_view<const float> tokens, const Hear& hear) {
  constexpr index_t at_once = 256;
  hidden_activations hidden_of;
  for (index_t first = 0; first < tokens.rows(); first += at_once) {
    hear(hidden_of(ffn, tokens.rows(first, std::min(at_once, tokens.rows() - first))));
  }
}

/// With so many experts marked as shared: as the partition says, else the first ones. That these are the first is our
/// choice: a rule that does not ask how busy neurons are has no better ones. Throws setting_error where the partition
/// says another number.
inline partition share_experts(const partition& split, index_t shared) {
  const index_t marked = length(split.shared_experts());
  if (marked == shared) return split;
  if (marked > 0) {
    fail<setting_error>({.argument = "--shared",
                         .expected = std::to_string(marked) + ", as the partition says",
                         .got = std::to_string(shared)});
  }
  std::vector<std::vector<index_t>> experts;
  for (index_t e = 0; e < split.experts(); ++e) experts.emplace_back(split.expert(e).begin(), split.expert(e).end());
  return partition{std::move(experts), ascending(shared)};
}

/// Throws file_error unless the partitions of a file fit the model, and what is asked for, layer by layer. `file`: as
/// it was named.
inline void check_given_splits(const planning& how, const moe_sizes& sizes, const std::string& file) {
  const auto same = [&](const std::string& what, index_t expected, index_t got) {
    if (got == expected) return;
    fail<file_error>({.argument = "--partition " + file + ": " + what,
                      .expected = std::to_string(expected),
                      .got = std::to_string(got)});
  };
  same("layers", sizes.layers, length(how.given_splits));
  for (index_t layer = 0; layer < sizes.layers; ++layer) {
    const partition& split = how.given_splits[to_size(layer)];
    const std::string where = "layer " + std::to_string(layer) + ": ";
    same(where + "neurons", sizes.neurons, split.neurons());
    same(where + "experts", how.experts, split.experts());
    const index_t marked = length(split.shared_experts());
    if (marked > 0) same(where + "shared experts", how.shared, marked);  // none marked: the first ones will be
  }
}

/// tokens: what the layer was given; may be empty where the rule does not read.
inline partition split_layer_by(const planning& how, const ffn_weights<float>& ffn, matrix_view<const float> tokens,
                                index_t layer) {
  switch (how.split) {
    case split_rule::shuffled:
      return shuffled{.seed = how.seed + static_cast<std::uint64_t>(layer)}.split(ffn, how.experts);
    case split_rule::clusters:
      return balanced_clusters{.seed = how.seed}.split(ffn, how.experts);
    case split_rule::coactivation: {
      neuron_coactivation found{{.neurons = ffn.neurons(), .part = activation_part::magnitude}};
      overhear_hidden(ffn, tokens, [&](matrix_view<const float> hidden) { found.add(hidden); });
      return coactivation_graph{.weights = found.weights(), .search = {.seed = how.seed}}.split(ffn, how.experts);
    }
    case split_rule::markers:
      return marker_clusters{mark(ffn, tokens), how.shared}.split(ffn, how.experts);
    case split_rule::importance:
      return by_importance{.importance = importance_of(*how.measured, layer), .shared = how.shared}.split(ffn,
                                                                                                          how.experts);
    case split_rule::file:
      return how.given_splits[to_size(layer)];
    case split_rule::even:
      break;
  }
  return even_slices{}.split(ffn, how.experts);
}

inline std::vector<float> analytic_rows(const ffn_weights<float>& ffn, const partition& split,
                                        matrix_view<const float> tokens) {
  const std::vector<index_t> chosen = busiest_neurons(mark(ffn, tokens), split);
  std::vector<float> rows;
  for (index_t e = length(split.shared_experts()); e < split.experts(); ++e) {
    const vector_view<const float> row = ffn.gate.row(chosen[to_size(e)]);
    double squares = 0;
    for (const float x : row) squares += static_cast<double>(x) * static_cast<double>(x);
    const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (const float x : row) rows.push_back(static_cast<float>(scale * static_cast<double>(x)));
  }
  return rows;
}

/// The power of two that brings the scores of these rows to about this standard deviation: their bits stay, so that no
/// order changes by rounding. A softmax sees only how scores of a token differ; a sigmoid sees how they differ from 0.
/// 1 where there is no such difference.
inline float eps_for(matrix_view<const float> rows, matrix_view<const float> tokens, double spread, weighing weights) {
  std::vector<float> scores(to_size(tokens.rows() * rows.rows()));
  engine::linear(tokens, rows, {scores.data(), tokens.rows(), rows.rows()});
  double squares = 0;
  for (index_t token = 0; token < tokens.rows(); ++token) {
    const float* own = scores.data() + token * rows.rows();
    double mean = 0;
    if (weights == weighing::softmax) {
      for (index_t e = 0; e < rows.rows(); ++e) mean += static_cast<double>(own[e]) / static_cast<double>(rows.rows());
    }
    for (index_t e = 0; e < rows.rows(); ++e) squares += std::pow(static_cast<double>(own[e]) - mean, 2);
  }
  const double deviation = std::sqrt(squares / static_cast<double>(scores.size()));
  if (!(deviation > 0)) return 1;
  return static_cast<float>(std::exp2(std::floor(std::log2(spread / deviation))));
}

/// One layer after the other; `made` says how in words. windows: texts to learn from, may be empty where nothing reads.
/// Throws what the parts throw; `check` of the plan is left to those who use it.
inline moe_plan make_plan(const gguf_file& file, const std::vector<window>& windows, const planning& how,
                          progress& told) {
  const index_t routed = how.experts - how.shared;
  moe_plan plan{.experts = routed, .active = how.active, .layers = {}};
  layer_by_layer model{file};
  std::optional<text_states> states;
  if (how.reads()) states.emplace(model, windows);
  for (index_t layer = 0; layer < model.sizes().layers; ++layer) {
    model.open(layer);
    layer_samples samples =
        states ? states->pass(model) : layer_samples{.width = model.sizes().width, .inputs = {}, .outputs = {}};
    const matrix_view<const float> tokens = samples.input();
    moe_layer one{share_experts(split_layer_by(how, model.ffn(), tokens, layer), how.shared)};
    if (how.router == router_rule::analytic) one.router = analytic_rows(model.ffn(), one.split, tokens);
    if (how.router == router_rule::distilled) {
      distil_settings fit = how.fit;
      fit.share.target = static_cast<double>(how.active) / static_cast<double>(routed);
      fit.seed = 1000 * how.seed + static_cast<std::uint64_t>(layer);
      one.router = distilled_rows(model.ffn(), one.split, samples, fit);
    }
    if (how.router == router_rule::file) one.router = how.given_routers[to_size(layer)];
    if (!one.router.empty()) {
      const weighing weights = how.shared > 0 ? weighing::sigmoid : weighing::softmax;
      one.eps = eps_for({one.router.data(), routed, model.sizes().width}, tokens, how.spread, weights);
    }
    plan.layers.push_back(std::move(one));
    told.piece_done();
  }
  return plan;
}

}  // namespace fissile::unravel
