// Hierarchical clustering: what is most alike comes together, step by step, until all is one.
//
// Average linkage (UPGMA; Sokal and Michener 1958): the distance between two clusters is the mean over all pairs of
// their members,
//
//   d(A + B, C) = (|A| d(A, C) + |B| d(B, C)) / (|A| + |B|)
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace fissile {

/// Clusters that came together. The n things are clusters 0 ... n - 1; step i makes cluster n + i.
struct merge_step {
  index_t first = 0;  // the one whose earliest thing is earlier
  index_t second = 0;
  double distance = 0;  // between the two; never falls from step to step, but for rounding
  friend bool operator==(const merge_step&, const merge_step&) = default;
};

/// [things x things], symmetric; what stands on the diagonal is not looked at.
using distance_table = std::vector<std::vector<double>>;

/// Throws shape_error unless the table is square, setting_error unless it is symmetric and has numbers only.
inline void check_distances(const distance_table& distances, std::string_view who) {
  for (std::size_t a = 0; a < distances.size(); ++a) {
    if (distances[a].size() != distances.size()) {
      fail<shape_error>({.argument = std::string(who) + ": row " + std::to_string(a),
                         .expected = std::to_string(distances.size()) + " distances",
                         .got = std::to_string(distances[a].size())});
    }
    for (std::size_t b = 0; b < a; ++b) {
      if (distances[a][b] == distances[b][a] && std::isfinite(distances[a][b])) continue;
      fail<setting_error>(
          {.argument = std::string(who) + ": distance of " + std::to_string(a) + " and " + std::to_string(b),
           .expected = "one finite number",
           .got = std::to_string(distances[a][b]) + " and " + std::to_string(distances[b][a])});
    }
  }
}

/// n - 1 steps for n things; none for none or one. Of equal distances those of the earliest things come first.
/// Time: n^3. Throws as check_distances.
inline std::vector<merge_step> average_linkage(distance_table distances) {
  check_distances(distances, "average_linkage");
  const std::size_t things = distances.size();
  std::vector<index_t> cluster, size(things, 1);  // by the earliest thing of each; -1: part of an earlier one's
  for (std::size_t thing = 0; thing < things; ++thing) cluster.push_back(static_cast<index_t>(thing));
  std::vector<merge_step> steps;
  while (steps.size() + 1 < things) {
    std::size_t first = 0, second = 0;
    for (std::size_t a = 0; a < things; ++a) {
      for (std::size_t b = a + 1; b < things; ++b) {
        if (cluster[a] < 0 || cluster[b] < 0) continue;
        if (second > 0 && !(distances[a][b] < distances[first][second])) continue;
        first = a;
        second = b;
      }
    }
    steps.push_back({cluster[first], cluster[second], distances[first][second]});
    const auto a = static_cast<double>(size[first]), b = static_cast<double>(size[second]);
    for (std::size_t other = 0; other < things; ++other) {
      const double mean = (a * distances[first][other] + b * distances[second][other]) / (a + b);
      distances[first][other] = distances[other][first] = mean;
    }
    cluster[first] = static_cast<index_t>(things + steps.size()) - 1;
    size[first] += size[second];
    cluster[second] = -1;
  }
  return steps;
}

/// The cluster of each thing when the last steps are undone, so that there are `clusters` of them. [things]
/// Clusters are numbered in the order of their earliest things. Throws setting_error unless 1 <= clusters <= things.
inline std::vector<index_t> cut_into(const std::vector<merge_step>& steps, index_t clusters) {
  const index_t things = length(steps) + 1;
  if (clusters < 1 || clusters > things) {
    fail<setting_error>({.argument = "cut_into: clusters",
                         .expected = "from 1 to " + std::to_string(things) + ", the number of things",
                         .got = std::to_string(clusters)});
  }
  std::vector<index_t> parent(to_size(2 * things - 1), -1);
  for (index_t step = 0; step < things - clusters; ++step) {
    parent[to_size(steps[to_size(step)].first)] = parent[to_size(steps[to_size(step)].second)] = things + step;
  }
  std::vector<index_t> number(parent.size(), -1), found;
  index_t next = 0;
  for (index_t thing = 0; thing < things; ++thing) {
    index_t top = thing;
    while (parent[to_size(top)] >= 0) top = parent[to_size(top)];
    if (number[to_size(top)] < 0) number[to_size(top)] = next++;
    found.push_back(number[to_size(top)]);
  }
  return found;
}

}  // namespace fissile
