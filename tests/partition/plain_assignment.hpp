// The linear assignment of n rows to n columns in plain code, for tests: the Hungarian method with potentials.
#pragma once

#include <fissile/base/index.hpp>

#include <limits>
#include <vector>

namespace fissile::testing {

/// The least possible sum of cost[row][column_of_row]. cost: [n x n].
inline double least_assignment_cost(const std::vector<std::vector<double>>& cost) {
  const std::size_t n = cost.size();
  std::vector<double> u(n + 1, 0), v(n + 1, 0);
  std::vector<std::size_t> row_of(n + 1, 0), way(n + 1, 0);  // 1-based; 0: none
  for (std::size_t i = 1; i <= n; ++i) {
    row_of[0] = i;
    std::size_t j0 = 0;
    std::vector<double> least(n + 1, std::numeric_limits<double>::infinity());
    std::vector<char> used(n + 1, 0);
    do {
      used[j0] = 1;
      double delta = std::numeric_limits<double>::infinity();
      std::size_t j1 = 0;
      for (std::size_t j = 1; j <= n; ++j) {
        if (used[j] != 0) continue;
        const double reduced = cost[row_of[j0] - 1][j - 1] - u[row_of[j0]] - v[j];
        if (reduced < least[j]) {
          least[j] = reduced;
          way[j] = j0;
        }
        if (least[j] < delta) {
          delta = least[j];
          j1 = j;
        }
      }
      for (std::size_t j = 0; j <= n; ++j) {
        if (used[j] != 0) {
          u[row_of[j]] += delta;
          v[j] -= delta;
        } else {
          least[j] -= delta;
        }
      }
      j0 = j1;
    } while (row_of[j0] != 0);
    for (; j0 != 0; j0 = way[j0]) row_of[j0] = row_of[way[j0]];
  }
  double sum = 0;
  for (std::size_t j = 1; j <= n; ++j) sum += cost[row_of[j] - 1][j - 1];
  return sum;
}

/// Every place of a group as a column of its own, as CMoE's code does; `room` adds up to the points.
inline double least_grouped_cost(const std::vector<std::vector<double>>& cost, const std::vector<index_t>& room) {
  std::vector<std::vector<double>> square;
  for (const std::vector<double>& row : cost) {
    square.emplace_back();
    for (std::size_t g = 0; g < room.size(); ++g) square.back().insert(square.back().end(), to_size(room[g]), row[g]);
  }
  return least_assignment_cost(square);
}

}  // namespace fissile::testing
