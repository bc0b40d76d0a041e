#include <fissile/count/load.hpp>

#include <gtest/gtest.h>

#include "count/random_counts.hpp"

#include <numeric>

namespace fissile {
namespace {

using testing::counts_of;

TEST(load, shares_sum_to_one) {
  EXPECT_EQ(load_shares(counts_of(10, {1, 0, 3})), (std::vector<double>{0.25, 0, 0.75}));
  EXPECT_EQ(load_shares(counts_of(10, {0, 0})), (std::vector<double>{0, 0}));
  layer_counts shared = counts_of(10, {10, 1, 1});
  shared.shared[0] = 1;
  EXPECT_EQ(load_shares(shared), (std::vector<double>{0, 0.5, 0.5}));
}

TEST(load, entropy_of_known_shares) {
  const std::vector<double> even(8, 0.125), one{0, 1, 0}, halves{0.5, 0.25, 0.25}, none(3, 0.0);
  EXPECT_DOUBLE_EQ(entropy(even), 3.0);
  EXPECT_EQ(entropy(one), 0.0);
  EXPECT_DOUBLE_EQ(entropy(halves), 1.5);
  EXPECT_TRUE(std::isnan(entropy(none)));
  EXPECT_DOUBLE_EQ(load_entropy(counts_of(10, {3, 3, 3, 3})), 2.0);
}

TEST(load, affinity_does_not_depend_on_how_much_text_a_label_has) {
  activation_counts counts{partition{{{0}, {1}, {2}}}, {.labels = {"long", "short"}}};
  layer_counts long_text = counts_of(100, {50, 50, 0});
  layer_counts short_text = counts_of(4, {2, 2, 0});
  counts.set("long", 0, long_text);
  counts.set("short", 0, short_text);
  const auto shares = affinity(counts, 0);
  EXPECT_EQ(shares, (std::vector<std::vector<double>>{{0.5, 0.5}, {0.5, 0.5}, {0, 0}}));
  const std::vector<double> bits = label_entropy(counts, 0);
  EXPECT_EQ(bits[0], 1.0);
  EXPECT_TRUE(std::isnan(bits[2])) << "an expert that was never used belongs to nobody";
}

TEST(load, an_expert_of_one_label_has_affinity_1_and_entropy_0) {
  const activation_counts counts = testing::counts_of_labels(10, {{6, 4}, {0, 10}});
  EXPECT_EQ(affinity(counts, 0)[0], (std::vector<double>{1, 0}));
  EXPECT_EQ(label_entropy(counts, 0)[0], 0.0);
  EXPECT_NEAR(affinity(counts, 0)[1][1], 10.0 / 14, 1e-15);
}

TEST(load, rows_of_affinity_sum_to_one_or_zero) {
  random_source random{14};
  for (int round = 0; round < 50; ++round) {
    const activation_counts counts = testing::random_counts(random, testing::random_splits(random, 1), {"a", "b", "c"});
    const auto shares = affinity(counts, 0);
    for (index_t e = 0; e < counts.experts(0); ++e) {
      const double sum = std::accumulate(shares[to_size(e)].begin(), shares[to_size(e)].end(), 0.0);
      const std::uint64_t uses = counts.uses("a", 0, e) + counts.uses("b", 0, e) + counts.uses("c", 0, e);
      const bool counted = uses > 0 && !counts.of("a", 0).is_shared(e);
      EXPECT_NEAR(sum, counted ? 1.0 : 0.0, 1e-12);
      EXPECT_EQ(std::isnan(label_entropy(counts, 0)[to_size(e)]), !counted);
    }
  }
}

TEST(load, pooled_labels_are_one_text) {
  random_source random{15};
  const activation_counts counts = testing::random_counts(random, testing::random_splits(random, 2), {"a", "b", "c"});
  const layer_counts all = pooled(counts, 1);
  EXPECT_EQ(all.tokens, counts.tokens("a", 1) + counts.tokens("b", 1) + counts.tokens("c", 1));
  for (index_t e = 0; e < counts.experts(1); ++e) {
    EXPECT_EQ(all.uses[to_size(e)], counts.uses("a", 1, e) + counts.uses("b", 1, e) + counts.uses("c", 1, e));
  }
  EXPECT_EQ(all.contradiction(), "");
  activation_counts big = testing::counts_of_labels(std::numeric_limits<std::uint64_t>::max(), {{1}, {1}});
  EXPECT_THROW(static_cast<void>(pooled(big, 0)), setting_error);
}

}  // namespace
}  // namespace fissile
