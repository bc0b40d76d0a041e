// CMoE's split against plain code of its steps: shared by rate, an assignment of least cost, the member nearest the
// mean.
#include <fissile/partition/marker_clusters.hpp>

#include "base/refusal.hpp"
#include "partition/plain_assignment.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace {

using testing::refusal;

activation_markers random_markers(random_source& random, index_t neurons, index_t tokens) {
  activation_markers markers{{.neurons = neurons, .strongest = 1 + random.below(10)}};
  auto hidden = testing::random_numbers<float>(random, tokens * neurons);
  for (index_t j = 0; j < neurons; ++j) {  // some neurons are busier
    const auto size = static_cast<float>(std::exp(random.normal()));
    for (index_t t = 0; t < tokens; ++t) hidden[to_size(t * neurons + j)] *= size;
  }
  markers.add({hidden.data(), tokens, neurons});
  return markers;
}

/// Column j of the markers as numbers.
std::vector<double> marker_column(const activation_markers& markers, index_t neuron) {
  std::vector<double> column;
  for (index_t t = 0; t < markers.tokens(); ++t) column.push_back(markers.marked(t, neuron) ? 1 : 0);
  return column;
}
double l1(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t t = 0; t < a.size(); ++t) sum += std::abs(a[t] - b[t]);
  return sum;
}

TEST(marker_clusters, do_what_the_paper_does) {
  random_source random{1};
  for (int trial = 0; trial < 60; ++trial) {
    const index_t shared = random.below(3), routed = 1 + random.below(5), size = 1 + random.below(8);
    const index_t experts = shared + routed, neurons = experts * size;
    const activation_markers markers = random_markers(random, neurons, 1 + random.below(130));
    const marker_split got = marker_clusters{.markers = markers, .shared = shared}.split(experts);

    std::vector<index_t> by_rate = ascending(neurons);
    const std::vector<std::uint64_t> counts = markers.counts();
    std::stable_sort(by_rate.begin(), by_rate.end(),
                     [&](index_t a, index_t b) { return counts[to_size(a)] > counts[to_size(b)]; });
    ASSERT_EQ(got.experts.shared_experts(), ascending(shared));
    const auto shared_neurons = got.experts.experts(0, shared);
    for (index_t j : shared_neurons) {
      const auto place = std::find(by_rate.begin(), by_rate.end(), j) - by_rate.begin();
      ASSERT_LT(place, shared * size);
    }

    std::vector<std::vector<double>> seeds;
    for (index_t r = 0; r < routed; ++r) {
      seeds.push_back(marker_column(markers, by_rate[to_size(shared * size + r)]));
    }
    std::vector<std::vector<double>> costs;
    double cost = 0;
    for (index_t r = 0; r < routed; ++r) {
      ASSERT_EQ(got.experts.size(shared + r), size);
      for (index_t j : got.experts.expert(shared + r)) {
        costs.emplace_back();
        for (const std::vector<double>& seed : seeds) costs.back().push_back(l1(marker_column(markers, j), seed));
        cost += costs.back()[to_size(r)];
      }
    }
    ASSERT_EQ(cost, testing::least_grouped_cost(costs, std::vector<index_t>(to_size(routed), size)));

    ASSERT_EQ(length(got.representatives), routed);
    for (index_t r = 0; r < routed; ++r) {
      std::vector<double> mean(to_size(markers.tokens()), 0.0);
      const auto members = got.experts.expert(shared + r);
      for (index_t j : members) {
        const auto column = marker_column(markers, j);
        for (std::size_t t = 0; t < mean.size(); ++t) mean[t] += column[t] / static_cast<double>(size);
      }
      const index_t chosen = got.representatives[to_size(r)];
      ASSERT_NE(std::find(members.begin(), members.end(), chosen), members.end());
      const double nearest = l1(marker_column(markers, chosen), mean);
      for (index_t j : members) {
        const double other = l1(marker_column(markers, j), mean);
        ASSERT_GE(other, nearest - 1e-9);
        ASSERT_TRUE(j >= chosen || other > nearest + 1e-9) << "ties go to the lower neuron";
      }
    }
  }
}

/// Five neurons that always work, and four groups that work in turns, each with one that is busier than its fellows.
TEST(marker_clusters, find_neurons_that_work_for_the_same_tokens) {
  random_source random{2};
  std::vector<index_t> group(25);
  for (index_t j = 0; j < 25; ++j) group[to_size(j)] = j % 5 - 1;
  shuffle(group, random);
  std::vector<index_t> busiest(4, -1);
  for (index_t j = 0; j < 25; ++j) {
    if (group[to_size(j)] >= 0) busiest[to_size(group[to_size(j)])] = j;
  }
  activation_markers markers{{.neurons = 25, .strongest = 8}};
  for (index_t t = 0; t < 300; ++t) {
    const index_t now = random.below(4);
    std::vector<float> hidden;
    for (index_t j = 0; j < 25; ++j) {
      const index_t own = group[to_size(j)];
      const double level = own == -1 ? 9 : own != now ? 0 : j == busiest[to_size(now)] ? 6 : 4;
      hidden.push_back(static_cast<float>(level + random.uniform()));
    }
    markers.add(matrix_view<const float>{hidden.data(), 1, 25});
  }
  const marker_split found = marker_clusters{.markers = markers, .shared = 1}.split(5);
  for (index_t j : found.experts.expert(0)) EXPECT_EQ(group[to_size(j)], -1);
  for (index_t e = 1; e < 5; ++e) {
    const index_t own = group[to_size(found.experts.expert(e)[0])];
    for (index_t j : found.experts.expert(e)) EXPECT_EQ(group[to_size(j)], own) << e;
  }
}

TEST(marker_clusters, may_share_all) {
  random_source random{3};
  const activation_markers markers = random_markers(random, 7, 20);
  const marker_split split = marker_clusters{.markers = markers, .shared = 3}.split(3);
  EXPECT_EQ(split.experts.shared_experts(), ascending(3));
  EXPECT_TRUE(split.representatives.empty());
}

TEST(marker_clusters, refuse_what_cannot_be) {
  random_source random{4};
  const activation_markers markers = random_markers(random, 6, 5);
  const marker_clusters policy{.markers = markers, .shared = 3};
  EXPECT_EQ(refusal<setting_error>([&] { policy.split(2); }),
            "marker_clusters: shared: expected from 0 to 2 experts, got 3");
  EXPECT_EQ(refusal<setting_error>([&] { policy.split(7); }),
            "marker_clusters: experts: expected from 1 to 6, the number of neurons, got 7");
  const auto ffn = testing::random_ffn<float>(random, {.width = 2, .neurons = 5});
  EXPECT_EQ(refusal<shape_error>([&] { policy.split(ffn.view(), 4); }),
            "marker_clusters: markers: expected those of 5 neurons, got 6");
  const marker_clusters empty{.markers = activation_markers{{.neurons = 6}}, .shared = 1};
  EXPECT_EQ(refusal<setting_error>([&] { empty.split(2); }),
            "marker_clusters: markers: expected those of at least one token, got none; add the hidden activations of a "
            "text first");
}

}  // namespace
}  // namespace fissile
