// Clusters come together as the textbook says, step by step, and are cut apart again.
#include <fissile/base/random.hpp>
#include <fissile/count/clustering.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "base/refusal.hpp"

namespace fissile {
namespace clustering_tests {

distance_table random_distances(random_source& random, index_t things) {
  distance_table made(to_size(things), std::vector<double>(to_size(things), 0.0));
  for (std::size_t a = 0; a < made.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) made[a][b] = made[b][a] = random.uniform();
  }
  return made;
}

/// UPGMA as its definition says, without the update rule: the mean distance over all pairs of members, anew each step.
struct plain_step {
  std::set<index_t> first, second;
  double distance;
};
std::vector<plain_step> plain_linkage(const distance_table& distances) {
  std::vector<std::set<index_t>> clusters;
  for (index_t thing = 0; thing < length(distances); ++thing) clusters.push_back({thing});
  std::vector<plain_step> steps;
  while (clusters.size() > 1) {
    std::size_t best_a = 0, best_b = 0;
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t a = 0; a < clusters.size(); ++a) {
      for (std::size_t b = a + 1; b < clusters.size(); ++b) {
        double sum = 0;
        for (const index_t i : clusters[a]) {
          for (const index_t j : clusters[b]) sum += distances[to_size(i)][to_size(j)];
        }
        const double mean = sum / static_cast<double>(clusters[a].size() * clusters[b].size());
        if (mean < least) {
          least = mean;
          best_a = a;
          best_b = b;
        }
      }
    }
    steps.push_back({clusters[best_a], clusters[best_b], least});
    clusters[best_a].insert(clusters[best_b].begin(), clusters[best_b].end());
    clusters.erase(clusters.begin() + static_cast<std::ptrdiff_t>(best_b));
  }
  return steps;
}

std::set<index_t> members(const std::vector<merge_step>& steps, index_t cluster) {
  const index_t things = length(steps) + 1;
  if (cluster < things) return {cluster};
  std::set<index_t> all = members(steps, steps[to_size(cluster - things)].first);
  all.merge(members(steps, steps[to_size(cluster - things)].second));
  return all;
}

TEST(clustering, as_the_definition_says) {
  random_source random{3};
  for (int round = 0; round < 60; ++round) {
    const distance_table distances = random_distances(random, 1 + random.below(20));
    const auto steps = average_linkage(distances);
    const auto plain = plain_linkage(distances);
    ASSERT_EQ(steps.size(), plain.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      EXPECT_NEAR(steps[i].distance, plain[i].distance, 1e-12);
      EXPECT_EQ(members(steps, steps[i].first), plain[i].first) << "step " << i;
      EXPECT_EQ(members(steps, steps[i].second), plain[i].second) << "step " << i;
      EXPECT_GE(steps[i].distance, i == 0 ? 0.0 : steps[i - 1].distance - 1e-12);
    }
  }
}

TEST(clustering, a_small_family_tree) {
  // 0 and 2 are close, 1 and 3 are close, the pairs are far apart
  const distance_table distances{{0, 8, 1, 8}, {8, 0, 8, 2}, {1, 8, 0, 8}, {8, 2, 8, 0}};
  const auto steps = average_linkage(distances);
  EXPECT_EQ(steps, (std::vector<merge_step>{{0, 2, 1}, {1, 3, 2}, {4, 5, 8}}));
  EXPECT_EQ(cut_into(steps, 1), (std::vector<index_t>{0, 0, 0, 0}));
  EXPECT_EQ(cut_into(steps, 2), (std::vector<index_t>{0, 1, 0, 1}));
  EXPECT_EQ(cut_into(steps, 3), (std::vector<index_t>{0, 1, 0, 2}));
  EXPECT_EQ(cut_into(steps, 4), (std::vector<index_t>{0, 1, 2, 3}));
}

TEST(clustering, equal_distances_take_the_earliest) {
  const distance_table distances(4, std::vector<double>(4, 0.5));
  EXPECT_EQ(average_linkage(distances), (std::vector<merge_step>{{0, 1, 0.5}, {4, 2, 0.5}, {5, 3, 0.5}}));
}

TEST(clustering, cuts_are_nested_and_as_many_as_asked) {
  random_source random{4};
  for (int round = 0; round < 20; ++round) {
    const index_t things = 1 + random.below(15);
    const auto steps = average_linkage(random_distances(random, things));
    std::vector<index_t> finer = cut_into(steps, things);
    for (index_t clusters = things; clusters >= 1; --clusters) {
      const std::vector<index_t> cut = cut_into(steps, clusters);
      EXPECT_EQ(std::set<index_t>(cut.begin(), cut.end()).size(), to_size(clusters));
      for (std::size_t a = 0; a < cut.size(); ++a) {
        for (std::size_t b = 0; b < a; ++b) {
          if (finer[a] == finer[b]) {
            EXPECT_EQ(cut[a], cut[b]);
          }
        }
      }
      finer = cut;
    }
  }
}

TEST(clustering, one_thing_and_none) {
  EXPECT_TRUE(average_linkage({{0.0}}).empty());
  EXPECT_TRUE(average_linkage({}).empty());
  EXPECT_EQ(cut_into({}, 1), std::vector<index_t>{0});
}

TEST(clustering, wrong_tables_and_numbers_are_refused) {
  EXPECT_THROW(static_cast<void>(average_linkage({{0, 1}, {1}})), shape_error);
  EXPECT_NE(testing::refusal<setting_error>([] {
              static_cast<void>(average_linkage({{0, 1}, {2, 0}}));
            }).find("distance of 1 and 0"),
            std::string::npos);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(static_cast<void>(average_linkage({{0, nan}, {nan, 0}})), setting_error);
  EXPECT_THROW(static_cast<void>(cut_into(average_linkage({{0, 1}, {1, 0}}), 3)), setting_error);
  EXPECT_THROW(static_cast<void>(cut_into({}, 0)), setting_error);
}

}  // namespace clustering_tests
}  // namespace fissile
