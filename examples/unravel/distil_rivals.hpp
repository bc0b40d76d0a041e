// Routers to compare with, made from the same samples: CMoE's, which asks one neuron of each expert, and MoEfication's,
// a small network that foretells the oracle.
#pragma once

#include "distil_samples.hpp"
#include "split_model.hpp"

#include <fissile/partition/marker_clusters.hpp>
#include <fissile/train/mlp_fit.hpp>
#include <fissile/weights/unit_rows.hpp>

#include <algorithm>
#include <optional>
#include <vector>

namespace fissile::unravel {

/// At most `most` rows, at equal distances.
inline matrix_view<const float> spread(matrix_view<const float> rows, index_t most) noexcept {
  const index_t step = std::max<index_t>(1, (rows.rows() + most - 1) / most);
  return {rows.data(), (rows.rows() + step - 1) / step, rows.columns(), step * rows.row_stride()};
}

/// Which neurons are among the ten strongest of a token, as CMoE marks them.
inline activation_markers mark(const ffn_weights<float>& ffn, matrix_view<const float> tokens) {
  constexpr index_t at_once = 256;
  const unit_rows rows = unit_rows_of(ffn);
  activation_markers markers{{.neurons = ffn.neurons()}};
  std::vector<float> hidden(to_size(at_once * ffn.neurons()));
  for (index_t first = 0; first < tokens.rows(); first += at_once) {
    const matrix_view<float> part{hidden.data(), std::min(at_once, tokens.rows() - first), ffn.neurons()};
    unit_hidden(rows, silu{}, tokens.rows(first, part.rows()), part);
    markers.add(part);
  }
  return markers;
}

/// The neuron of each expert that is marked most often; the lower one of equals. CMoE takes the one nearest to the
/// middle of its own clusters: for slices this choice is ours.
inline std::vector<index_t> busiest_neurons(const activation_markers& markers, const partition& split) {
  const std::vector<std::uint64_t> counts = markers.counts();
  std::vector<index_t> chosen;
  for (index_t expert = 0; expert < split.experts(); ++expert) {
    const vector_view<const index_t> neurons = split.expert(expert);
    index_t best = neurons[0];
    for (const index_t neuron : neurons) best = counts[to_size(neuron)] > counts[to_size(best)] ? neuron : best;
    chosen.push_back(best);
  }
  return chosen;
}

/// MoEfication's network, fitted to what `oracle` says of the samples. `seed`: of the shuffles.
template <scorer Oracle>
mlp_fit<float> fit_to_oracle(const ffn_weights<float>& ffn, const Oracle& oracle, matrix_view<const float> tokens,
                             mlp_settings chosen) {
  std::vector<float> numbers(to_size(tokens.rows() * oracle.experts())), scratch(to_size(oracle.scratch()));
  const matrix_view<float> scores{numbers.data(), tokens.rows(), oracle.experts()};
  for (index_t first = 0; first < tokens.rows(); first += lanes) {
    const index_t count = std::min(lanes, tokens.rows() - first);
    oracle.score(tokens.rows(first, count), scores.rows(first, count), scratch);
  }
  return fit_mlp_router(mlp_start<float>(ffn, oracle.split()), tokens, scores, chosen);
}

/// What the comparison needs of one layer.
struct layer_rivals {
  unit_rows analytic;               // of one neuron of each slice
  std::optional<marker_split> own;  // by CMoE, and its representatives; there once it is made
  mlp_fit<float> network;
};

/// CMoE shares 2 experts of 16.
inline index_t shared_experts(index_t experts) noexcept {
  return experts / 8;
}

inline std::vector<layer_rivals> make_rivals(const split_model& split, const std::vector<layer_samples>& samples,
                                             job_settings jobs, std::uint64_t seed, progress& told) {
  constexpr index_t marked_tokens = 8 * 2048;  // of CMoE's one batch
  std::vector<layer_rivals> made(samples.size());
  jobs.jobs = length(samples);
  run_jobs(jobs, told, [&] {
    return [&](index_t layer) {
      const ffn_weights<float>& ffn = split.weights().ffn(layer);
      const partition& experts = split.partitions()[to_size(layer)];
      const matrix_view<const float> tokens = samples[to_size(layer)].input();
      const activation_markers markers = mark(ffn, spread(tokens, marked_tokens));
      const oracle_scorer oracle{borrow(ffn, experts), silu{}};
      made[to_size(layer)] = {
          .analytic = unit_rows_of(ffn, busiest_neurons(markers, experts)),
          .own = marker_clusters{markers, shared_experts(experts.experts())}.split(experts.experts()),
          .network = fit_to_oracle(ffn, oracle, tokens, {.seed = seed})};
    };
  });
  return made;
}

}  // namespace fissile::unravel
