// Neurons with similar gate rows together, in experts of equal size: the parameter clustering of MoEfication
// (Zhang et al. 2022) and LLaMA-MoE (Zhu et al. 2024).
#pragma once

#include <fissile/partition/clusters_of_points.hpp>
#include <fissile/partition/partitioner.hpp>

namespace fissile {

/// clusters_of_points over the rows of gate (of up, where there is no gate), with its settings and its memory.
///
/// MoEfication's split is `.metric = row_metric::l2_of_unit_rows`, LLaMA-MoE's are that and `row_metric::cosine`; both
/// run some 300 rounds of exact assignments where this runs at most 10 of greedy ones.
struct balanced_clusters {
  row_metric metric = row_metric::cosine;
  index_t rounds = 10;     // of assigning and averaging, at most
  std::uint64_t seed = 0;  // of the first centres

  template <element T>
  partition split(const ffn_weights<T>& ffn, index_t experts) const {
    return split(ffn, experts, [](index_t, index_t) noexcept {});
  }
  /// Calls told(done, of) as the work goes on, as clusters_of_points does.
  template <element T, class Progress>
  partition split(const ffn_weights<T>& ffn, index_t experts,
                  const Progress& told) const requires std::invocable<const Progress&, index_t, index_t> {
    check_shapes(ffn, "balanced_clusters");
    const clusters_of_points clusters{.metric = metric, .rounds = rounds, .seed = seed};
    clusters.check(ffn.neurons(), experts, "balanced_clusters");
    return clusters.split(ffn.gated() ? ffn.gate : ffn.up, experts, told);
  }
};

}  // namespace fissile
