// What a way of splitting a layer must offer.
#pragma once

#include <fissile/partition/partition.hpp>
#include <fissile/weights/ffn_weights.hpp>

namespace fissile {

/// partitioner: splits a layer into a number of experts.
/// Law: the same weights, number and settings give the same partition, of exactly that many experts.
/// Satisfied by even_slices, shuffled, balanced_clusters, by_importance, coactivation_graph, importance_split,
/// marker_clusters.
template <class P, class T = float>
concept partitioner = requires(const P& policy, const ffn_weights<T>& ffn, index_t experts) {
  { policy.split(ffn, experts) } -> std::same_as<partition>;
};

}  // namespace fissile
