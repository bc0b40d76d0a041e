// Clusters of any points: the rows of a gate are one case, and a search tells how far it is.
#include <fissile/partition/balanced_clusters.hpp>
#include <fissile/partition/clusters_of_points.hpp>
#include <fissile/partition/even_slices.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace {

using testing::refusal;

TEST(clusters_of_points, of_gate_rows_are_balanced_clusters) {
  random_source random{1};
  for (const row_metric metric : {row_metric::cosine, row_metric::l2, row_metric::l2_of_unit_rows}) {
    for (int trial = 0; trial < 20; ++trial) {
      const auto ffn = testing::random_ffn<bf16>(random, testing::random_shape(random));
      const index_t experts = 1 + random.below(ffn.neurons);
      const std::uint64_t seed = random.bits();
      const partition split = balanced_clusters{.metric = metric, .seed = seed}.split(ffn.view(), experts);
      const ffn_weights<bf16> view = ffn.view();
      const clusters_of_points policy{.metric = metric, .seed = seed};
      ASSERT_EQ(policy.split(view.gated() ? view.gate : view.up, experts), split);
    }
  }
}

/// Points on a line, in eight heaps of three, at any place in a wider matrix.
TEST(clusters_of_points, find_heaps_that_the_caller_measured) {
  random_source random{2};
  std::vector<index_t> heap(24);
  for (std::size_t j = 0; j < 24; ++j) heap[j] = static_cast<index_t>(j) % 8;
  shuffle(heap, random);
  std::vector<double> points(24 * 5, 1e9);  // what is beside the two columns must not be read
  for (std::size_t j = 0; j < 24; ++j) {
    points[j * 5] = 10.0 * static_cast<double>(heap[j]) + random.uniform();
    points[j * 5 + 1] = random.uniform();
  }
  const partition split = clusters_of_points{.metric = row_metric::l2}.split(matrix_view{points.data(), 24, 2, 5}, 8);
  for (index_t e = 0; e < 8; ++e) {
    for (index_t j : split.expert(e)) EXPECT_EQ(heap[to_size(j)], heap[to_size(split.expert(e)[0])]);
  }
}

/// MoEfication's recipe: normalise the rows, then plain balanced k-means.
TEST(clusters_of_points, by_distance_of_unit_rows_are_those_of_rows_scaled_before) {
  random_source random{3};
  index_t unlike_cosine = 0;
  for (int trial = 0; trial < 20; ++trial) {
    auto points = testing::random_numbers<float>(random, 60 * 6);
    const matrix_view<float> rows{points.data(), 60, 6};
    const partition split = clusters_of_points{.metric = row_metric::l2_of_unit_rows}.split(rows, 7);
    unlike_cosine += split == clusters_of_points{.metric = row_metric::cosine}.split(rows, 7) ? 0 : 1;
    for (index_t j = 0; j < 60; ++j) {
      float sum = 0;
      for (float number : rows.row(j)) sum += number * number;
      const float scale = 1 / std::sqrt(sum);
      for (float& number : rows.row(j)) number *= scale;
    }
    ASSERT_EQ(clusters_of_points{.metric = row_metric::l2}.split(rows, 7), split);
  }
  EXPECT_GT(unlike_cosine, 0) << "whether means are scaled must matter somewhere";
}

TEST(clusters_of_points, tell_how_far_they_are) {
  random_source random{4};
  for (int trial = 0; trial < 20; ++trial) {
    const index_t points = 1 + random.below(50), experts = 1 + random.below(points);
    const auto numbers = testing::random_numbers<float>(random, points * 3);
    const matrix_view<const float> rows{numbers.data(), points, 3};
    const clusters_of_points policy{.rounds = 1 + random.below(5)};
    index_t last = 0, of = 0, calls = 0;
    const partition split = policy.split(rows, experts, [&](index_t done, index_t all) {
      ASSERT_GE(done, last);
      ASSERT_LE(done, all);
      ASSERT_TRUE(calls == 0 || all == of) << "the goal moved";
      last = done;
      of = all;
      ++calls;
    });
    ASSERT_EQ(split, policy.split(rows, experts));
    ASSERT_EQ(last, of);
    ASSERT_GT(calls, points);  // at least one round
  }
  const auto ffn = testing::random_ffn<float>(random, {.width = 3, .neurons = 9});
  index_t calls = 0;
  balanced_clusters{}.split(ffn.view(), 3, [&](index_t, index_t) { ++calls; });
  EXPECT_GT(calls, 9);
}

TEST(clusters_of_points, refuse_what_cannot_be) {
  const std::vector<float> numbers(6, 1.0f);
  const matrix_view<const float> rows{numbers.data(), 3, 2};
  EXPECT_EQ(refusal<setting_error>([&] { clusters_of_points{}.split(rows, 4); }),
            "clusters_of_points: experts: expected from 1 to 3, the number of neurons, got 4");
  EXPECT_EQ(refusal<setting_error>([&] { clusters_of_points{.rounds = 0}.split(rows, 2); }),
            "clusters_of_points: rounds: expected at least 1, got 0");
}

}  // namespace
}  // namespace fissile
