// Differences, their spread and the words for them, from rows made up so that the answer is known.
#include "samples.hpp"

#include <unravel/comparisons.hpp>

#include <gtest/gtest.h>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

study_row made_up(index_t language, judged_by judge, double bits_per_byte, std::uint64_t seed = 1) {
  return {.language = language,
          .how = {.judge = judge, .rate = judge == judged_by::none ? 0 : 0.25, .seed = seed},
          .scored = {.bits = 100 * bits_per_byte, .bytes = 100}};
}

/// Bits per byte of own, one a language, and of random, which is drawn twice: 0.1 to either side.
study_result made_up(const std::vector<double>& own, const std::vector<double>& random) {
  study_result made{.settings = {},
                    .corpus = {},
                    .languages = std::vector<language_texts>(own.size()),
                    .partitions = {},
                    .counts = activation_counts{even_slices{}.split(4, 2), {.labels = {"x"}}},
                    .agreements = {},
                    .levels = {},
                    .rows = {},
                    .verdicts = {}};
  for (index_t language = 0; language < length(own); ++language) {
    made.rows.push_back(made_up(language, judged_by::none, 1));
    made.rows.push_back(made_up(language, judged_by::own, own[to_size(language)]));
    made.rows.push_back(made_up(language, judged_by::random, random[to_size(language)] - 0.1, 1));
    made.rows.push_back(made_up(language, judged_by::random, random[to_size(language)] + 0.1, 2));
  }
  return made;
}

paired own_against_random(const std::vector<double>& own, const std::vector<double>& random) {
  return compare(made_up(own, random), main_comparisons()[1]);
}

TEST(comparisons, are_paired_over_languages) {
  const paired found = own_against_random({2.0, 2.5, 3.0}, {2.1, 2.7, 3.3});
  EXPECT_NEAR(found.mean, 0.2, 1e-12);
  EXPECT_NEAR(found.deviation, 0.1, 1e-12);
  EXPECT_NEAR(found.standard_error, 0.1 / std::sqrt(3.0), 1e-12);
  EXPECT_EQ(found.better, 3);
  EXPECT_EQ(found.says(), outcome::clearly_better);
  expect_says(in_words(found), {"25 % removed", "0.200 bits per byte fewer", "0.058", "3 of 3", "clearly better"});
}

TEST(comparisons, say_so_when_it_came_out_the_other_way) {
  const paired found = own_against_random({2.1, 2.7, 3.3}, {2.0, 2.5, 3.0});
  EXPECT_EQ(found.says(), outcome::clearly_worse);
  EXPECT_EQ(found.better, 0);
  expect_says(in_words(found), {"0.200 bits per byte more", "0 of 3", "clearly worse"});
}

TEST(comparisons, are_unclear_within_two_standard_errors) {
  const paired found = own_against_random({2.0, 2.5, 3.0}, {2.1, 2.4, 3.05});
  EXPECT_EQ(found.says(), outcome::unclear);
  EXPECT_EQ(found.better, 2);
  expect_says(in_words(found), {"no clear difference", "2 of 3"});
  EXPECT_EQ(own_against_random({2, 3}, {2, 3}).says(), outcome::unclear) << "no difference at all";
}

TEST(comparisons, of_one_language_have_no_spread) {
  const paired found = own_against_random({2.0}, {2.5});
  EXPECT_EQ(found.says(), outcome::single);
  EXPECT_TRUE(std::isnan(found.standard_error));
  expect_says(in_words(found), {"0.500 bits per byte fewer", "single language"});
}

TEST(comparisons, have_a_headline_that_can_go_either_way) {
  const paired good = own_against_random({2.0, 2.5}, {2.2, 2.71}), bad = own_against_random({2.2, 2.71}, {2.0, 2.5});
  expect_says(headline({good, bad}), {"clearly better at 25 %;", "clearly worse at 25 %;", "difference at no rate"});
  expect_says(headline({bad}), {"clearly better at no rate"});
  expect_says(headline({own_against_random({2.0}, {2.5})}), {"nothing is claimed"});
}

TEST(comparisons, of_rows_take_what_belongs_together) {
  const study_result done = made_up({2.0, 2.5}, {2.1, 2.7});
  EXPECT_EQ(bits_of(done, 1, {.judge = judged_by::random, .rate = 0.25}).size(), 2u);
  EXPECT_EQ(bits_of(done, 1, {.judge = judged_by::own, .rate = 0.25}), std::vector<double>{2.5});
  EXPECT_TRUE(bits_of(done, 1, {.judge = judged_by::own, .rate = 0.5}).empty());
  EXPECT_TRUE(bits_of(done, 1, {.judge = judged_by::own, .rate = 0.25, .how = routing::top_k}).empty());
}

TEST(comparisons, leave_other_languages_out_where_there_is_one) {
  for (const compared& one : judge_comparisons(1)) {
    EXPECT_NE(one.second.judge, judged_by::other);
    EXPECT_NE(one.second.judge, judged_by::all);
  }
  EXPECT_EQ(judge_comparisons(2).size(), judge_comparisons(1).size() + 6);
}

TEST(levels, are_the_share_of_experts_in_more_than_even_use) {
  activation_counts counts{even_slices{}.split(8, 4), {.labels = {"x", "y"}}};
  layer_counts busy{even_slices{}.split(8, 4)};
  busy.tokens = 100;
  busy.uses = {100, 50, 49, 1};  // even use of 2 active of 4 experts: 50 of 100
  counts.set("x", 0, busy);
  busy.uses = {100, 100, 0, 0};
  counts.set("y", 0, busy);
  EXPECT_EQ(levels_of(counts, 2), std::vector<double>{0.5});
  EXPECT_EQ(levels_of(counts, 4), std::vector<double>{(0.25 + 0.5) / 2});
}

TEST(verdict_names, tell_verdicts_apart) {
  EXPECT_EQ(verdict_name({.judge = judged_by::own, .rate = 0.125, .seed = 7}, "de"), "own_de_uniform_0.125_7.json");
  EXPECT_EQ(verdict_name({.judge = judged_by::random, .budget = budget_kind::level, .rate = 0.25, .seed = 9}, "de"),
            "random_any_level_0.25_9.json");
  EXPECT_EQ(verdict_name({.judge = judged_by::all, .rate = 0.5, .seed = 7}, "de"),
            verdict_name({.judge = judged_by::all, .rate = 0.5, .seed = 7}, "en"));
}

}  // namespace
