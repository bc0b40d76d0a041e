#include <fissile/count/similarity.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "count/random_counts.hpp"

namespace fissile {
namespace {

using testing::counts_of;

TEST(similarity, jaccard_of_known_sets) {
  EXPECT_EQ(jaccard({0, 1, 2}, {1, 2, 3}), 0.5);
  EXPECT_EQ(jaccard({0}, {1}), 0.0);
  EXPECT_EQ(jaccard({2, 5}, {2, 5}), 1.0);
  EXPECT_EQ(jaccard({}, {1}), 0.0);
  EXPECT_EQ(jaccard({}, {}), 1.0);
}

TEST(similarity, cosine_of_known_counts) {
  EXPECT_DOUBLE_EQ(cosine(counts_of(10, {3, 4}), counts_of(10, {4, 3})), 24.0 / 25);
  EXPECT_DOUBLE_EQ(cosine(counts_of(10, {1, 0}), counts_of(10, {0, 5})), 0.0);
  EXPECT_DOUBLE_EQ(cosine(counts_of(10, {1, 2, 3}), counts_of(100, {10, 20, 30})), 1.0) << "frequencies, not uses";
  EXPECT_TRUE(std::isnan(cosine(counts_of(10, {1, 2}), counts_of(10, {0, 0}))));
}

TEST(similarity, jensen_shannon_of_known_counts) {
  EXPECT_EQ(jensen_shannon(counts_of(10, {2, 0}), counts_of(30, {0, 7})), 1.0) << "nothing in common is one bit";
  EXPECT_EQ(jensen_shannon(counts_of(10, {2, 6}), counts_of(30, {1, 3})), 0.0);
  // p = (1, 0), q = (1/2, 1/2), mean = (3/4, 1/4)
  const double expected = 0.5 * std::log2(4.0 / 3) + 0.5 * (0.5 * std::log2(2.0 / 3) + 0.5 * std::log2(2.0));
  EXPECT_NEAR(jensen_shannon(counts_of(10, {4, 0}), counts_of(10, {5, 5})), expected, 1e-15);
  EXPECT_TRUE(std::isnan(jensen_shannon(counts_of(10, {0, 0}), counts_of(10, {1, 2}))));
}

TEST(similarity, measures_are_symmetric_and_within_their_range) {
  random_source random{13};
  int seen = 0;
  for (int round = 0; round < 100; ++round) {
    const activation_counts counts = testing::random_counts(random, testing::random_splits(random, 1), {"a", "b"});
    const layer_counts &a = counts.of("a", 0), &b = counts.of("b", 0);
    const bool known = !busiest(a, 1).empty() && !busiest(b, 1).empty();
    for (const auto& measure : {cosine, jensen_shannon}) {
      if (!known) {
        EXPECT_TRUE(std::isnan(measure(a, b)));
        continue;
      }
      ++seen;
      EXPECT_EQ(measure(a, b), measure(b, a));
      EXPECT_GE(measure(a, b), 0.0);
      EXPECT_LE(measure(a, b), 1.0);
      EXPECT_NEAR(measure(a, a), measure == +cosine ? 1.0 : 0.0, 1e-12);
    }
  }
  EXPECT_GT(seen, 50);
}

TEST(similarity, shared_experts_are_left_out) {
  layer_counts a = counts_of(10, {10, 3, 4}), b = counts_of(10, {0, 3, 4});
  a.shared[0] = b.shared[0] = 1;
  EXPECT_DOUBLE_EQ(cosine(a, b), 1.0);
  EXPECT_EQ(jensen_shannon(a, b), 0.0);
}

TEST(similarity, layers_that_are_split_differently_are_refused) {
  EXPECT_THROW(static_cast<void>(cosine(counts_of(2, {1, 1}), counts_of(2, {1, 1, 0}))), shape_error);
  layer_counts shared = counts_of(2, {1, 1});
  shared.shared[0] = 1;
  EXPECT_NE(testing::refusal<shape_error>([&] {
              static_cast<void>(jensen_shannon(counts_of(2, {1, 1}), shared));
            }).find("marked as shared"),
            std::string::npos);
}

TEST(similarity, a_table_of_all_labels) {
  const activation_counts counts = testing::counts_of_labels(10, {{3, 4}, {4, 3}, {5, 0}});
  const auto table = between_labels(counts, 0, cosine);
  ASSERT_EQ(table.size(), 3u);
  for (std::size_t a = 0; a < 3; ++a) {
    for (std::size_t b = 0; b < 3; ++b) EXPECT_EQ(table[a][b], cosine(counts.of(a, 0), counts.of(b, 0)));
  }
  const most_frequent rule{.share = 0.5};
  const auto sets = between_labels(
      counts, 0, [&](const layer_counts& a, const layer_counts& b) { return jaccard(rule(a), rule(b)); });
  EXPECT_EQ(sets[0][1], 0.0);
  EXPECT_EQ(sets[1][2], 1.0);
}

}  // namespace
}  // namespace fissile
