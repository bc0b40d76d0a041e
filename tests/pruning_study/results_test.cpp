// Rows survive being interrupted, and what is made of them is what plain loops make of them.
#include <pruning/item_report.hpp>

#include <gtest/gtest.h>

#include "../file/temporary.hpp"

namespace fissile::pruning_study {
namespace {

using testing::content_of;
using testing::temporary_directory;

TEST(pruning_rows, survive_being_interrupted) {
  const temporary_directory folder;
  const std::string path = folder / "rows.jsonl";
  {
    row_file rows{path};
    rows.add("a | b", {1.25, -3});
    rows.add("c", {2});
  }
  const std::string whole = content_of(path);
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {  // the run was stopped while it wrote
    testing::put(path, whole.substr(0, cut));
    row_file rows{path};
    const bool first = cut >= whole.find('\n');
    EXPECT_EQ(rows.has("a | b"), first);
    if (!rows.has("c")) rows.add("c", {2});
    rows.add("d", {0.1});
    const row_file again{path};
    EXPECT_EQ(again.size(), first ? 3u : 2u) << "cut at " << cut;
    EXPECT_EQ(*again.find("c"), std::vector<double>{2});
    EXPECT_EQ(*again.find("d"), std::vector<double>{0.1});
    EXPECT_FALSE(again.find("e").has_value());
  }
}

TEST(pruning_rows, a_file_that_cannot_be_written_is_refused) {
  row_file rows{"/nowhere/rows.jsonl"};
  EXPECT_THROW(rows.add("a", {1}), file_error);
}

/// bits[calibration][language] = 2 + what the calibration costs there; by kind, then language.
double planted(const calibration& on, index_t scored, std::uint64_t seed) {
  const double drawn = 0.01 * static_cast<double>(seed);
  if (on.kind == text_kind::translation) return 2 + drawn;
  if (on.kind == text_kind::all_plain) return 2.5 + drawn;
  if (on.kind == text_kind::random_bytes) return 6 + drawn;
  return (on.language == scored ? 1.5 : 3 + 0.1 * static_cast<double>(on.language)) + drawn;
}

TEST(pruning_results, differences_are_paired_over_languages_and_seeds) {
  const temporary_directory folder;
  row_file rows{folder / "rows.jsonl"};
  const table_plan plan{.how = method::wanda, .rate = 0.5};
  for (const experiment& one : experiments_of(plan)) {
    std::vector<double> bits;
    for (index_t scored = 0; scored < language_count; ++scored) bits.push_back(planted(one.on, scored, one.seed));
    rows.add(one.key() + " | bits", bits);
  }
  const auto all = comparisons();
  const auto others = differ(rows, plan, all[0]);
  ASSERT_TRUE(others.has_value());
  double expected = 0;  // mean over languages of the mean over the seven others, less translation's 2
  for (index_t scored = 0; scored < 8; ++scored) {
    for (index_t other = 0; other < 8; ++other) {
      if (other != scored) expected += (1 + 0.1 * static_cast<double>(other)) / 56;
    }
  }
  EXPECT_NEAR(others->over_languages.mean, expected, 1e-12);
  EXPECT_EQ(others->over_languages.count, 8);
  EXPECT_EQ(others->over_languages.positive, 8);
  EXPECT_EQ(others->over_seeds.count, 3);
  EXPECT_NEAR(others->over_seeds.deviation, 0, 1e-12);
  ASSERT_EQ(others->by_language.size(), 8u);
  double of_german = 0;
  for (index_t other = 0; other < 8; ++other) {
    if (other != 1) of_german += (1 + 0.1 * static_cast<double>(other)) / 7;
  }
  EXPECT_NEAR(others->by_language[1].mean, of_german, 1e-12);
  EXPECT_EQ(others->by_language[1].positive, 3) << "in every seed";
  EXPECT_EQ(differ(rows, plan, all[1])->over_languages.count, 7) << "English scored on the others";
  EXPECT_NEAR(differ(rows, plan, all[1])->over_languages.mean, 1, 1e-12);
  EXPECT_NEAR(differ(rows, plan, all[2])->over_languages.mean, -0.5, 1e-12);
  EXPECT_NEAR(differ(rows, plan, all[4])->over_languages.mean, 4, 1e-12);
  EXPECT_FALSE(differ(rows, plan, all[5]).has_value()) << "magnitude was not measured";
  EXPECT_NEAR(mean_bits(rows, {.how = method::wanda, .rate = 0.5}, 3)[4], 2.02, 1e-12);
  EXPECT_TRUE(mean_bits(rows, {.how = method::wanda, .rate = 0.3}, 3).empty());

  const std::string page = to_markdown(matrix_table(rows, plan));
  EXPECT_NE(page.find("**1.520**"), page.npos) << "the language itself is best in its column\n" << page;
  EXPECT_NE(page.find(missing), page.npos) << "magnitude was not measured\n" << page;
  EXPECT_NE(to_markdown(comparison_table(rows, {plan})).find("8 of 8"), std::string::npos);
  EXPECT_NE(to_markdown(language_table(rows, {plan}, all[0])).find("24 of 24"), std::string::npos);
  EXPECT_NE(to_markdown(language_table(rows, {plan}, all[2])).find("0 of 24"), std::string::npos);
}

TEST(pruning_results, accuracy_counts_items_and_not_answers) {
  const temporary_directory folder;
  row_file rows{folder / "rows.jsonl"};
  language_items items(to_size(language_count), std::vector<choice_item>(2));
  for (auto& of_language : items) of_language[1].truth = 3;
  for (index_t language = 0; language < language_count; ++language) {
    // Item 0 is answered rightly everywhere, item 1 in the first two languages.
    const double last = language < 2 ? 0 : -9;
    rows.add(std::string{"none | items "} + languages[to_size(language)], {-1, -2, -3, -4, -1, -2, -3, last});
  }
  const auto found = mean_accuracy(rows, {"none"}, items, item_score::likely);
  ASSERT_TRUE(found.has_value());
  EXPECT_DOUBLE_EQ(found->share, (1 + 0.25) / 2);
  EXPECT_NEAR(found->error, std::sqrt(2 * 0.375 * 0.375) / std::sqrt(2.0), 1e-12);
  EXPECT_FALSE(mean_accuracy(rows, {"wanda"}, items, item_score::likely).has_value());
  using translation_pruning::candidate_order;
  const auto alike = mean_rank_consistency(rows, "none", item_score::likely, candidate_order::descending);
  ASSERT_TRUE(alike.has_value());
  EXPECT_LT(*alike, 1) << "two languages order the second item in another way";
  EXPECT_GT(*alike, 0.5);

  // By themselves the wrong ends of item 1 are as likely as behind the context.
  EXPECT_FALSE(mean_accuracy(rows, {"none"}, items, item_score::likelier).has_value());
  for (const char* language : languages) {
    rows.add(std::string{"none | ends "} + language, {-2, -2, -3, -4, -1, -2, -3, -9.5});
  }
  EXPECT_DOUBLE_EQ(mean_accuracy(rows, {"none"}, items, item_score::likelier)->share, 1);

  // Two seeds of one model: the second errs in item 0.
  experiment one{.how = method::wanda, .rate = rates.front()};
  for (one.seed = 1; one.seed <= 2; ++one.seed) {
    const double first = one.seed == 1 ? 0 : -9;
    for (const char* language : languages) {
      rows.add(one.key() + " | items " + language, {first, -2, -3, -4, -5, -6, -7, -1});
      rows.add(one.key() + " | ends " + language, {0, 0, 0, 0, 0, 0, 0, 0});
    }
  }
  const std::string page = to_markdown(item_table(rows, items, item_score::likely));
  EXPECT_NE(page.find("| 0.750 ± 0.250 (0.354) |"), page.npos) << page;
  EXPECT_NE(page.find(missing), page.npos) << "other models\n" << page;
  // The whole model is right in item 0 everywhere, and in item 1 in two of eight languages: -.5 and +.75.
  EXPECT_NE(page.find("| +0.125 ± 0.625 |"), page.npos) << page;
}

}  // namespace
}  // namespace fissile::pruning_study
