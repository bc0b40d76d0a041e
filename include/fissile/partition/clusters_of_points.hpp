// Points that lie close together into the same expert, in experts of equal size: balanced k-means over any rows of
// numbers, the rows of a gate or what the caller measured of each neuron.
//
// MoEfication (Zhang et al. 2022) and LLaMA-MoE (Zhu et al. 2024) solve each assignment exactly, at a cost that grows
// faster than points * experts; here it is greedy and near-linear: the points that would lose most by not getting their
// nearest centre choose first. The first centres are spread out as in k-means++, from a seed, and the best of all
// rounds is kept.
#pragma once

#include <fissile/partition/cluster_search.hpp>

#include <algorithm>
#include <concepts>
#include <limits>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fissile {

struct clusters_of_points {
  row_metric metric = row_metric::cosine;
  index_t rounds = 10;     // of assigning and averaging, at most
  std::uint64_t seed = 0;  // of the first centres

  /// points: [points x numbers of each], any element; point j becomes neuron j of the partition. Sizes differ by one at
  /// most; experts stand in the order of their first point. Memory: points * (width + experts) floats.
  /// Rows that hold a NaN or an infinity, or by row_metric::l2 numbers whose squares are no longer finite, cannot be
  /// compared: then the split is even_slices'. Throws setting_error for a number of experts or rounds that cannot be.
  template <class T>
  partition split(matrix_view<T> points, index_t experts) const requires element<std::remove_const_t<T>> {
    return split(points, experts, [](index_t, index_t) noexcept {});
  }

  /// Calls told(done, of) on this thread as distances are computed: often, rising, the last time with done = of.
  template <class T, class Progress>
  partition split(matrix_view<T> points, index_t experts, const Progress& told)
      const requires element<std::remove_const_t<T>> && std::invocable<const Progress&, index_t, index_t> {
    check(points.rows(), experts, "clusters_of_points");
    std::vector<std::vector<index_t>> best = cut_evenly(ascending(points.rows()), experts, "clusters_of_points");
    detail::cluster_search<Progress> search(points, experts, metric, rounds + 1, told);
    search.spread_centres(seed);
    double best_cost = std::numeric_limits<double>::infinity();
    for (index_t round = 0; round < rounds; ++round) {
      double cost = 0;
      std::vector<std::vector<index_t>> clusters = search.assign(cost);
      if (!(cost < best_cost)) break;
      best_cost = cost;
      search.average(clusters);
      best = std::move(clusters);
    }
    search.finish();
    // Experts in the order of their first point, so that the numbering does not hang on the centres'.
    std::sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.front() < b.front(); });
    return partition{std::move(best)};
  }

  /// Throws setting_error in the name of `who` unless so many points can be split so.
  void check(index_t points, index_t experts, std::string_view who) const {
    cut_evenly(ascending(points), experts, who);
    if (rounds >= 1) return;
    fail<setting_error>(
        {.argument = std::string(who) + ": rounds", .expected = "at least 1", .got = std::to_string(rounds)});
  }
};

}  // namespace fissile
