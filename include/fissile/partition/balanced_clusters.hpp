// Neurons with similar gate rows together, in experts of equal size: the parameter clustering of MoEfication
// (Zhang et al. 2022) and LLaMA-MoE (Zhu et al. 2024).
//
// Balanced k-means. Those papers solve each assignment exactly, at a cost that grows faster than neurons * experts;
// here it is greedy and near-linear: the neurons that would lose most by not getting their nearest centre choose
// first. The first centres are spread out as in k-means++, from a seed, and the best of all rounds is kept.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/partition/partitioner.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace fissile {

/// How far apart two rows are: the angle alone, or the straight distance.
enum class row_metric { cosine, l2 };

struct balanced_clusters {
  row_metric metric = row_metric::cosine;
  index_t rounds = 10;     // of assigning and averaging, at most
  std::uint64_t seed = 0;  // of the first centres

  /// Clusters the rows of gate (of up, where there is no gate). Memory: neurons * (width + experts) floats.
  /// Rows that hold a NaN, or numbers whose squares are no longer finite, cannot be compared: then the split is
  /// even_slices'.
  template <element T>
  partition split(const ffn_weights<T>& ffn, index_t experts) const;

private:
  struct problem {
    index_t neurons, width, experts;
    std::vector<float> rows;     // [neurons x width]
    std::vector<float> centres;  // [experts x width]
    std::vector<float> away;     // [neurons x experts]: squared distances

    float* row(index_t neuron) noexcept { return rows.data() + neuron * width; }
    float* centre(index_t expert) noexcept { return centres.data() + expert * width; }
    static float squared_distance(const float* a, const float* b, index_t width) noexcept {
      float sum = 0;
      for (index_t i = 0; i < width; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
      return sum;
    }
  };

  static void normalise(float* row, index_t width) noexcept {
    float sum = 0;
    for (index_t i = 0; i < width; ++i) sum += row[i] * row[i];
    if (!(sum > 0)) return;  // a zero row stays zero
    const float scale = 1.0f / std::sqrt(sum);
    for (index_t i = 0; i < width; ++i) row[i] *= scale;
  }

  void spread_centres(problem& p) const;
  void average(problem& p, const std::vector<std::vector<index_t>>& clusters) const;
  static std::vector<std::vector<index_t>> assign(problem& p, double& cost);
};

template <element T>
partition balanced_clusters::split(const ffn_weights<T>& ffn, index_t experts) const {
  check_shapes(ffn, "balanced_clusters");
  const std::vector<std::vector<index_t>> even =
      cut_evenly(ascending(ffn.neurons()), experts, "balanced_clusters");  // refuses a wrong number
  if (rounds < 1) {
    fail<setting_error>(
        {.argument = "balanced_clusters: rounds", .expected = "at least 1", .got = std::to_string(rounds)});
  }
  problem p{ffn.neurons(), ffn.width(), length(even), {}, {}, {}};
  p.rows.resize(to_size(p.neurons * p.width));
  p.centres.resize(to_size(p.experts * p.width));
  p.away.resize(to_size(p.neurons * p.experts));
  const matrix_view<const T> rows = ffn.gated() ? ffn.gate : ffn.up;
  for (index_t neuron = 0; neuron < p.neurons; ++neuron) {
    for (index_t i = 0; i < p.width; ++i) p.row(neuron)[i] = widen<float>(rows(neuron, i));
    if (metric == row_metric::cosine) normalise(p.row(neuron), p.width);
  }
  spread_centres(p);
  double best_cost = std::numeric_limits<double>::infinity();
  std::vector<std::vector<index_t>> best = even;
  for (index_t round = 0; round < rounds; ++round) {
    double cost = 0;
    std::vector<std::vector<index_t>> clusters = assign(p, cost);
    if (!(cost < best_cost)) break;
    best_cost = cost;
    average(p, clusters);
    best = std::move(clusters);
  }
  // Experts in the order of their first neuron, so that the numbering does not hang on the centres'.
  std::sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.front() < b.front(); });
  return partition{std::move(best)};
}

/// k-means++: each further centre is a row drawn with a chance that grows with its distance from the centres so far.
inline void balanced_clusters::spread_centres(problem& p) const {
  random_source random{seed};
  std::vector<float> nearest(to_size(p.neurons), std::numeric_limits<float>::max());
  index_t chosen = random.below(p.neurons);
  for (index_t e = 0;; ++e) {
    std::copy_n(p.row(chosen), p.width, p.centre(e));
    if (e + 1 == p.experts) return;
    double total = 0;
    for (index_t neuron = 0; neuron < p.neurons; ++neuron) {
      float& distance = nearest[to_size(neuron)];
      distance = std::min(distance, problem::squared_distance(p.row(neuron), p.centre(e), p.width));
      total += static_cast<double>(distance);
    }
    double left = random.uniform() * total;
    for (chosen = 0; chosen + 1 < p.neurons; ++chosen) {
      left -= static_cast<double>(nearest[to_size(chosen)]);
      if (left < 0) break;
    }
  }
}

inline void balanced_clusters::average(problem& p, const std::vector<std::vector<index_t>>& clusters) const {
  for (index_t e = 0; e < p.experts; ++e) {
    const std::vector<index_t>& members = clusters[to_size(e)];
    float* centre = p.centre(e);
    std::fill_n(centre, p.width, 0.0f);
    for (index_t neuron : members) {
      for (index_t i = 0; i < p.width; ++i) centre[i] += p.row(neuron)[i];
    }
    for (index_t i = 0; i < p.width; ++i) centre[i] /= static_cast<float>(members.size());
    if (metric == row_metric::cosine) normalise(centre, p.width);
  }
}

/// Neurons in order of regret (second nearest centre minus nearest) take the nearest centre that has room.
inline std::vector<std::vector<index_t>> balanced_clusters::assign(problem& p, double& cost) {
  std::vector<float> regret(to_size(p.neurons));
  for (index_t neuron = 0; neuron < p.neurons; ++neuron) {
    float* away = p.away.data() + neuron * p.experts;
    float first = std::numeric_limits<float>::max();
    float second = first;
    for (index_t e = 0; e < p.experts; ++e) {
      away[e] = problem::squared_distance(p.row(neuron), p.centre(e), p.width);
      second = std::min(second, std::max(first, away[e]));
      first = std::min(first, away[e]);
    }
    const float loss = second - first;
    regret[to_size(neuron)] = loss == loss ? loss : 0.0f;  // a NaN weight must not upset the order
  }
  std::vector<index_t> order = ascending(p.neurons);
  std::stable_sort(order.begin(), order.end(),
                   [&](index_t a, index_t b) { return regret[to_size(a)] > regret[to_size(b)]; });
  const index_t small = p.neurons / p.experts;
  index_t large_left = p.neurons % p.experts;  // so many experts may hold one neuron more
  std::vector<std::vector<index_t>> clusters(to_size(p.experts));
  cost = 0;
  for (index_t neuron : order) {
    const float* away = p.away.data() + neuron * p.experts;
    index_t nearest = -1;
    for (index_t e = 0; e < p.experts; ++e) {
      const index_t size = length(clusters[to_size(e)]);
      const bool room = size < small || (size == small && large_left > 0);
      if (room && (nearest < 0 || away[e] < away[nearest])) nearest = e;
    }
    if (length(clusters[to_size(nearest)]) == small) --large_left;
    clusters[to_size(nearest)].push_back(neuron);
    cost += static_cast<double>(away[nearest]);
  }
  for (std::vector<index_t>& members : clusters) std::sort(members.begin(), members.end());
  return clusters;
}

}  // namespace fissile
