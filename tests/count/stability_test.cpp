#include <fissile/count/stability.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "count/random_counts.hpp"

namespace fissile {
namespace {

using numbers = std::vector<double>;
using testing::counts_of;

TEST(stability, pearson_of_known_numbers) {
  EXPECT_DOUBLE_EQ(pearson({1, 2, 3}, {10, 20, 30}), 1.0);
  EXPECT_DOUBLE_EQ(pearson({1, 2, 3}, {3, 2, 1}), -1.0);
  EXPECT_NEAR(pearson({1, 2, 3, 4}, {1, 3, 2, 4}), 0.8, 1e-15);
  EXPECT_TRUE(std::isnan(pearson({1, 2, 3}, {7, 7, 7}))) << "what does not vary correlates with nothing";
  EXPECT_TRUE(std::isnan(pearson({5}, {5})));
}

TEST(stability, equal_numbers_share_their_ranks) {
  EXPECT_EQ(ranks({30, 10, 20}), (numbers{3, 1, 2}));
  EXPECT_EQ(ranks({5, 1, 5, 5}), (numbers{3, 1, 3, 3}));
  EXPECT_EQ(ranks({2, 2}), (numbers{1.5, 1.5}));
  EXPECT_TRUE(ranks({}).empty());
  EXPECT_CONTRACT(static_cast<void>(ranks({1, std::nan("")})));
  EXPECT_CONTRACT(static_cast<void>(pearson({1, 2}, {1})));
}

TEST(stability, spearman_sees_the_order_only) {
  const agreement same = agreement_of(counts_of(99, {1, 2, 3, 50}), counts_of(99, {1, 4, 9, 16}), {.busiest = 2});
  EXPECT_DOUBLE_EQ(same.spearman, 1.0);
  EXPECT_LT(same.pearson, 0.95);
  EXPECT_EQ(same.overlap, 1.0);
  EXPECT_EQ(same.tokens_first, 99u);
}

TEST(stability, overlap_is_the_share_of_the_busiest_in_both) {
  const layer_counts a = counts_of(99, {9, 8, 7, 6, 1, 1}), b = counts_of(50, {9, 1, 1, 8, 7, 6});
  EXPECT_EQ(agreement_of(a, b, {.busiest = 4}).overlap, 0.5);
  EXPECT_EQ(agreement_of(a, b, {.busiest = 1}).overlap, 1.0);
  EXPECT_EQ(agreement_of(a, counts_of(9, {9, 0, 0, 0, 0, 0}), {.busiest = 4}).overlap, 0.25)
      << "a half that uses fewer experts does not agree for free";
  const layer_counts none = counts_of(0, {0, 0});
  EXPECT_TRUE(std::isnan(agreement_of(none, none, {}).overlap));
}

TEST(stability, shared_experts_are_left_out) {
  layer_counts a = counts_of(9, {9, 1, 2, 3}), b = counts_of(9, {0, 1, 2, 3});
  a.shared[0] = b.shared[0] = 1;
  EXPECT_DOUBLE_EQ(agreement_of(a, b, {}).pearson, 1.0);
}

TEST(stability, two_halves_of_one_kind_of_text_agree_and_others_do_not) {
  random_source random{18};
  const partition split{cut_evenly(ascending(40), 40, "test")};
  const auto count_half = [&](const numbers& chances) {
    activation_counts half{split, {.labels = {"en"}}};
    for (int token = 0; token < 2000; ++token) {
      route chosen{40};
      for (index_t e = 0; e < 40; ++e) {
        if (random.uniform() < chances[to_size(e)]) chosen.append({e, 1});
      }
      half.at("en", 0).token(chosen);
    }
    return half;
  };
  numbers chances, others;
  for (int e = 0; e < 40; ++e) {
    chances.push_back(random.uniform());
    others.push_back(random.uniform());
  }
  const activation_counts first = count_half(chances);
  const agreement same = split_half(first, count_half(chances))[0];
  const agreement different = split_half(first, count_half(others))[0];
  EXPECT_GT(same.pearson, 0.99);
  EXPECT_GT(same.spearman, 0.98);
  EXPECT_GE(same.overlap, 0.75);
  EXPECT_LT(std::abs(different.pearson), 0.5);
}

TEST(stability, a_row_for_every_label_and_layer) {
  random_source random{19};
  const std::vector<partition> splits = testing::random_splits(random, 3);
  const activation_counts a = testing::random_counts(random, splits, {"en", "de"});
  const activation_counts b = testing::random_counts(random, splits, {"de", "en", "fr"});
  const std::vector<agreement> rows = split_half(a, b, {.busiest = 3});
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows[4].label, "de");
  EXPECT_EQ(rows[4].layer, 1);
  EXPECT_EQ(rows[4].tokens_second, b.tokens("de", 1));
  EXPECT_THROW(static_cast<void>(split_half(b, a)), setting_error) << "a has no fr";
  EXPECT_THROW(static_cast<void>(split_half(a, b, {.busiest = 0})), setting_error);
  EXPECT_THROW(static_cast<void>(split_half(a, testing::random_counts(random, {splits[0]}, {"en", "de"}))),
               shape_error);
}

}  // namespace
}  // namespace fissile
