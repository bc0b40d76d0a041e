// The busiest neurons as shared experts, the others with those that work for the same tokens: the split of CMoE
// (Pei et al. 2025, "Analytical FFN-to-MoE Restructuring", arXiv 2502.04416), by one round of balanced clustering.
//
//   shared     the neurons of highest rate_j
//   seeds      of the others, those of highest rate_j, one for each routed expert
//   distance   of neuron j from a seed: sum over t of |a_tj - a_t,seed|
//   experts    the assignment, of equal sizes, of the least sum of distances (linear assignment)
//   represented by the member nearest to the mean of the members' columns: least sum over t of |a_tj - mean_t|
#pragma once

#include <fissile/partition/activation_markers.hpp>
#include <fissile/partition/cheapest_assignment.hpp>
#include <fissile/partition/partitioner.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

namespace fissile {

/// What CMoE makes of a layer. Its router reads the representatives' rows: unit_rows_of(ffn, representatives).
struct marker_split {
  partition experts;                     // the shared ones first
  std::vector<index_t> representatives;  // [experts - shared]: a neuron of expert shared, shared + 1, ...
};

/// Distances are whole numbers, so that the assignment is exact and the same everywhere; ties go to the lower expert
/// and neuron. The paper has 16 experts, 2 of them shared, and sizes that divide; here sizes may differ by one.
struct marker_clusters {
  activation_markers markers;
  index_t shared = 2;  // experts, from 0 to the number asked for

  /// Throws setting_error for wrong numbers or markers of no token.
  marker_split split(index_t experts) const {
    const std::vector<std::uint64_t> counts = markers.counts();
    std::vector<index_t> order = ascending(markers.neurons());
    std::stable_sort(order.begin(), order.end(),
                     [&](index_t a, index_t b) { return counts[to_size(a)] > counts[to_size(b)]; });
    std::vector<std::vector<index_t>> lists = cut_evenly(order, experts, "marker_clusters");
    check(experts);
    std::vector<index_t> representatives;
    if (shared < experts) {
      cluster(order, lists);
      for (index_t e = shared; e < experts; ++e) representatives.push_back(nearest_to_mean(lists[to_size(e)]));
    }
    return {partition{std::move(lists), ascending(shared)}, std::move(representatives)};
  }
  template <element T>
  partition split(const ffn_weights<T>& ffn, index_t experts) const {
    check_shapes(ffn, "marker_clusters");
    if (markers.neurons() != ffn.neurons()) {
      fail<shape_error>({.argument = "marker_clusters: markers",
                         .expected = "those of " + std::to_string(ffn.neurons()) + " neurons",
                         .got = std::to_string(markers.neurons())});
    }
    return split(experts).experts;
  }

private:
  void check(index_t experts) const {
    if (shared < 0 || shared > experts) {
      fail<setting_error>({.argument = "marker_clusters: shared",
                           .expected = "from 0 to " + std::to_string(experts) + " experts",
                           .got = std::to_string(shared)});
    }
    if (markers.tokens() == 0) {
      fail<setting_error>({.argument = "marker_clusters: markers",
                           .expected = "those of at least one token",
                           .got = "none",
                           .cure = "add the hidden activations of a text first"});
    }
  }

  /// Fills the routed ones of `lists`. by_rate: all neurons, the busiest first.
  void cluster(const std::vector<index_t>& by_rate, std::vector<std::vector<index_t>>& lists) const {
    index_t first = 0;  // of the routed neurons in by_rate
    for (index_t e = 0; e < shared; ++e) first += length(lists[to_size(e)]);
    const index_t groups = length(lists) - shared;
    std::vector<index_t> routed(by_rate.begin() + first, by_rate.end());
    std::sort(routed.begin(), routed.end());
    std::vector<double> distances(to_size(length(routed) * groups), 0.0);
    for (index_t b = 0; b < markers.blocks(); ++b) {
      double* distance = distances.data();
      for (index_t neuron : routed) {
        for (index_t g = 0; g < groups; ++g) {
          const index_t seed = by_rate[to_size(first + g)];
          *distance++ += std::popcount(markers.word(b, neuron) ^ markers.word(b, seed));
        }
      }
    }
    std::vector<index_t> room;
    for (index_t e = shared; e < length(lists); ++e) room.push_back(length(lists[to_size(e)]));
    const std::vector<std::vector<index_t>> found =
        cheapest_assignment({distances.data(), length(routed), groups}, room);
    for (index_t g = 0; g < groups; ++g) {
      std::vector<index_t>& members = lists[to_size(shared + g)];
      members.clear();
      for (index_t at : found[to_size(g)]) members.push_back(routed[to_size(at)]);
    }
  }

  /// With c_t = sum of the members' a_t, the distance times the size n is, in whole numbers,
  ///   n * sum_t |a_tj - c_t / n| = sum_t c_t + sum over t marked by j of (n - 2 c_t)
  index_t nearest_to_mean(const std::vector<index_t>& members) const {
    std::vector<std::int64_t> away(members.size(), 0);
    for (index_t b = 0; b < markers.blocks(); ++b) {
      std::array<std::int64_t, 64> worth;  // n - 2 c_t
      worth.fill(length(members));
      for (index_t neuron : members) {
        for (std::uint64_t left = markers.word(b, neuron); left != 0; left &= left - 1) {
          worth[static_cast<std::size_t>(std::countr_zero(left))] -= 2;
        }
      }
      for (std::size_t i = 0; i < members.size(); ++i) {
        for (std::uint64_t left = markers.word(b, members[i]); left != 0; left &= left - 1) {
          away[i] += worth[static_cast<std::size_t>(std::countr_zero(left))];
        }
      }
    }
    return members[to_size(std::min_element(away.begin(), away.end()) - away.begin())];
  }
};

}  // namespace fissile
