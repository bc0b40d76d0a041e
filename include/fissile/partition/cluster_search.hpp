// The search behind clusters_of_points: first centres, assignments and means of balanced k-means.
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/base/random.hpp>
#include <fissile/partition/partition.hpp>
#include <fissile/weights/unit_rows.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace fissile {

/// How far apart two rows are.
enum class row_metric {
  cosine,           // by the angle between row and mean: LLaMA-MoE's `cos`
  l2,               // by the straight distance
  l2_of_unit_rows,  // rows are scaled to length one, means are not: MoEfication, and LLaMA-MoE's `l2`
};

namespace detail {

/// Points, centres, and the distances between them.
template <class Progress>
class cluster_search {
public:
  using lists = std::vector<std::vector<index_t>>;

  /// `passes`: over all points and centres, at most; as many as `told` hears of.
  template <class T>
  cluster_search(matrix_view<T> points, index_t experts, row_metric metric, index_t passes, const Progress& told)
      : points_(points.rows()),
        width_(points.columns()),
        experts_(experts),
        metric_(metric),
        rows_(to_size(points_ * width_)),
        centres_(to_size(experts_ * width_)),
        away_(to_size(points_ * experts_)),
        of_(passes * points_ * experts_),
        told_(told) {
    for (index_t point = 0; point < points_; ++point) {
      for (index_t i = 0; i < width_; ++i) row(point)[i] = widen<float>(points(point, i));
      if (metric_ != row_metric::l2) scale_to_unit(row(point));
    }
  }

  void spread_centres(std::uint64_t seed);
  lists assign(double& cost);
  void average(const lists& clusters);
  void finish() { told_(of_, of_); }

private:
  vector_view<float> row(index_t point) noexcept { return {rows_.data() + point * width_, width_}; }
  vector_view<float> centre(index_t expert) noexcept { return {centres_.data() + expert * width_, width_}; }
  float squared_distance(index_t point, index_t expert) noexcept {
    const float* a = row(point).data();
    const float* b = centre(expert).data();
    float sum = 0;
    for (index_t i = 0; i < width_; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
  }
  void advance(index_t distances) {
    done_ += distances;
    told_(done_, of_);
  }

  index_t points_, width_, experts_;
  row_metric metric_;
  std::vector<float> rows_;     // [points x width]
  std::vector<float> centres_;  // [experts x width]
  std::vector<float> away_;     // [points x experts]: squared distances
  index_t done_ = 0, of_;       // distances computed, and of how many at most
  const Progress& told_;
};

/// k-means++: each further centre is a row drawn with a chance that grows with its distance from the centres so far.
template <class Progress>
void cluster_search<Progress>::spread_centres(std::uint64_t seed) {
  random_source random{seed};
  std::vector<float> nearest(to_size(points_), std::numeric_limits<float>::max());
  index_t chosen = random.below(points_);
  for (index_t e = 0;; ++e) {
    std::copy_n(row(chosen).data(), width_, centre(e).data());
    if (e + 1 == experts_) return;
    double total = 0;
    for (index_t point = 0; point < points_; ++point) {
      float& distance = nearest[to_size(point)];
      distance = std::min(distance, squared_distance(point, e));
      total += static_cast<double>(distance);
    }
    advance(points_);
    double left = random.uniform() * total;
    for (chosen = 0; chosen + 1 < points_; ++chosen) {
      left -= static_cast<double>(nearest[to_size(chosen)]);
      if (left < 0) break;
    }
  }
}

/// Points in order of regret (second nearest centre minus nearest) take the nearest centre that has room.
template <class Progress>
auto cluster_search<Progress>::assign(double& cost) -> lists {
  std::vector<float> regret(to_size(points_));
  for (index_t point = 0; point < points_; ++point) {
    float* away = away_.data() + point * experts_;
    float first = std::numeric_limits<float>::max();
    float second = first;
    for (index_t e = 0; e < experts_; ++e) {
      away[e] = squared_distance(point, e);
      second = std::min(second, std::max(first, away[e]));
      first = std::min(first, away[e]);
    }
    const float loss = second - first;
    regret[to_size(point)] = loss == loss ? loss : 0.0f;  // a NaN must not upset the order
    advance(experts_);
  }
  std::vector<index_t> order = ascending(points_);
  std::stable_sort(order.begin(), order.end(),
                   [&](index_t a, index_t b) { return regret[to_size(a)] > regret[to_size(b)]; });
  const index_t small = points_ / experts_;
  index_t large_left = points_ % experts_;  // so many experts may hold one point more
  lists clusters(to_size(experts_));
  cost = 0;
  for (index_t point : order) {
    const float* away = away_.data() + point * experts_;
    index_t nearest = -1;
    for (index_t e = 0; e < experts_; ++e) {
      const index_t size = length(clusters[to_size(e)]);
      const bool room = size < small || (size == small && large_left > 0);
      if (room && (nearest < 0 || away[e] < away[nearest])) nearest = e;
    }
    if (length(clusters[to_size(nearest)]) == small) --large_left;
    clusters[to_size(nearest)].push_back(point);
    cost += static_cast<double>(away[nearest]);
  }
  for (std::vector<index_t>& members : clusters) std::sort(members.begin(), members.end());
  return clusters;
}

template <class Progress>
void cluster_search<Progress>::average(const lists& clusters) {
  for (index_t e = 0; e < experts_; ++e) {
    const std::vector<index_t>& members = clusters[to_size(e)];
    const vector_view<float> mean = centre(e);
    std::fill(mean.begin(), mean.end(), 0.0f);
    for (index_t point : members) {
      for (index_t i = 0; i < width_; ++i) mean[i] += row(point)[i];
    }
    for (index_t i = 0; i < width_; ++i) mean[i] /= static_cast<float>(members.size());
    if (metric_ == row_metric::cosine) scale_to_unit(mean);
  }
}

}  // namespace detail

}  // namespace fissile
