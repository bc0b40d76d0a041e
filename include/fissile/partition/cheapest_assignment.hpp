// The cheapest way to give every point one of a few groups that have fixed room: a linear assignment, exact.
//
// Shortest augmenting paths (Jonker and Volgenant 1987). The places of one group all cost the same, so they are folded
// into one node: a path walks over groups, moving one member of each on to the next, and not over points. For n points
// in k groups of s that is about n * (k * k + s * k) steps instead of n^3.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/view.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace fissile {

namespace detail {

class group_assignment {
public:
  group_assignment(matrix_view<const double> costs, const std::vector<index_t>& room)
      : costs_(costs),
        room_(room),
        members_(room.size()),
        steps_(room.size() * room.size()),
        potential_(room.size(), 0.0),
        distance_(room.size()),
        from_(room.size()) {}

  /// Gives the point a group; others move on where that is cheaper. Ties go to the lower group and point.
  void add(index_t point) {
    find_paths(point);
    index_t to = -1;
    for (index_t g = 0; g < groups(); ++g) {
      if (length(members_[to_size(g)]) == room_[to_size(g)]) continue;
      if (to < 0 || potential_[to_size(g)] < potential_[to_size(to)]) to = g;
    }
    for (; from_[to_size(to)] >= 0; to = from_[to_size(to)]) {
      const index_t before = from_[to_size(to)];
      const index_t mover = step(before, to).mover;
      std::vector<index_t>& left = members_[to_size(before)];
      left.erase(std::find(left.begin(), left.end(), mover));
      members_[to_size(to)].push_back(mover);
      update_steps(to);
    }
    members_[to_size(to)].push_back(point);
    update_steps(to);
  }
  const std::vector<std::vector<index_t>>& members() const noexcept { return members_; }

private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  /// What it costs to move one member from a group to another, and which is the cheapest to move.
  struct cheapest_step {
    double cost = infinity;
    index_t mover = -1;
  };

  index_t groups() const noexcept { return length(room_); }
  cheapest_step& step(index_t from, index_t to) noexcept { return steps_[to_size(from * groups() + to)]; }

  /// Dijkstra from the point over all groups. The potentials are the distances of the point before, which keeps every
  /// step's reduced cost from being negative.
  void find_paths(index_t point) {
    std::vector<char> done(members_.size(), 0);
    for (index_t g = 0; g < groups(); ++g) {
      distance_[to_size(g)] = costs_(point, g) - potential_[to_size(g)];
      from_[to_size(g)] = -1;
    }
    for (index_t round = 0; round < groups(); ++round) {
      index_t nearest = -1;
      for (index_t g = 0; g < groups(); ++g) {
        if (done[to_size(g)] != 0) continue;
        if (nearest < 0 || distance_[to_size(g)] < distance_[to_size(nearest)]) nearest = g;
      }
      done[to_size(nearest)] = 1;
      for (index_t g = 0; g < groups(); ++g) {
        const double reduced = step(nearest, g).cost + potential_[to_size(nearest)] - potential_[to_size(g)];
        if (done[to_size(g)] != 0 || !(distance_[to_size(nearest)] + reduced < distance_[to_size(g)])) continue;
        distance_[to_size(g)] = distance_[to_size(nearest)] + reduced;
        from_[to_size(g)] = nearest;
      }
    }
    for (std::size_t g = 0; g < potential_.size(); ++g) potential_[g] += distance_[g];
  }

  void update_steps(index_t from) {
    for (index_t to = 0; to < groups(); ++to) {
      cheapest_step best;
      for (index_t point : members_[to_size(from)]) {
        const double cost = costs_(point, to) - costs_(point, from);
        if (cost < best.cost || (cost == best.cost && point < best.mover)) best = {cost, point};
      }
      step(from, to) = best;
    }
  }

  matrix_view<const double> costs_;            // [points x groups]
  const std::vector<index_t>& room_;           // [groups]
  std::vector<std::vector<index_t>> members_;  // [groups]
  std::vector<cheapest_step> steps_;           // [groups x groups]
  std::vector<double> potential_, distance_;   // [groups]
  std::vector<index_t> from_;                  // [groups]: the group before on the path; -1: the new point's own step
};

}  // namespace detail

/// For each group the points it gets, ascending, so that the sum of costs(point, group) is the least possible: exactly
/// so where the costs are whole numbers below 2^50, else up to rounding. The same input gives the same groups.
/// costs: [points x groups], finite; room: [groups], in all at least as many as there are points.
/// Throws shape_error or setting_error otherwise.
inline std::vector<std::vector<index_t>> cheapest_assignment(matrix_view<const double> costs,
                                                             const std::vector<index_t>& room) {
  index_t places = 0;
  for (index_t size : room) {
    if (size < 0) {
      fail<setting_error>(
          {.argument = "cheapest_assignment: room", .expected = "none below 0", .got = std::to_string(size)});
    }
    places += size;
  }
  if (costs.columns() != length(room) || places < costs.rows()) {
    fail<shape_error>({.argument = "cheapest_assignment: room",
                       .expected = std::to_string(costs.columns()) + " groups with room for " +
                                   std::to_string(costs.rows()) + " points",
                       .got = std::to_string(room.size()) + " with room for " + std::to_string(places)});
  }
  for (index_t point = 0; point < costs.rows(); ++point) {
    for (index_t g = 0; g < costs.columns(); ++g) {
      if (std::isfinite(costs(point, g))) continue;
      fail<setting_error>({.argument = "cheapest_assignment: costs",
                           .expected = "finite numbers",
                           .got = "none for point " + std::to_string(point)});
    }
  }
  detail::group_assignment search(costs, room);
  for (index_t point = 0; point < costs.rows(); ++point) search.add(point);
  std::vector<std::vector<index_t>> found = search.members();
  for (std::vector<index_t>& points : found) std::sort(points.begin(), points.end());
  return found;
}

}  // namespace fissile
