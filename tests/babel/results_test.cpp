// Families, rows and intervals of the experiments, where the right answer is known.
#include <babel/byte_counts.hpp>
#include <babel/dendrogram.hpp>
#include <babel/kinship.hpp>
#include <babel/results.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

#include "../file/temporary.hpp"
#include "../report/well_formed.hpp"

namespace fissile::babel_study {
namespace {

TEST(babel_kinship, the_table_of_languages) {
  EXPECT_EQ(count_of(groups_of(written_in(), &language::family)), 9);
  EXPECT_EQ(count_of(groups_of(written_in(), &language::script)), 6);
  EXPECT_EQ(written_in("Latin").size(), 14u);
  EXPECT_EQ(count_of(groups_of(written_in("Latin"), &language::family)), 5);
  for (const std::string_view code : pruned_languages) EXPECT_EQ(languages[to_size(place_of(code))].code, code);
}

TEST(babel_kinship, planted_families_are_found_again) {
  distance_table planted = family_table(written_in());
  const kinship found = kinship_of(planted);
  EXPECT_EQ(found.families.index, 1.0);
  EXPECT_LT(found.families.chance, 0.001);
  EXPECT_EQ(found.latin.index, 1.0);
  EXPECT_LT(found.scripts.index, 1.0);
  EXPECT_DOUBLE_EQ(rank_correlation(planted, planted), 1.0);
}

TEST(babel_kinship, partial_correlation_takes_out_what_is_shared) {
  EXPECT_DOUBLE_EQ(partial_correlation(0.5, 0, 0), 0.5);
  EXPECT_NEAR(partial_correlation(0.48, 0.6, 0.8), 0.0, 1e-15);
}

TEST(babel_kinship, bytes_and_pairs_are_counted_as_experts) {
  const layer_counts bytes = byte_counts("abca\xff", 1), pairs = byte_counts("abca\xff", 2);
  EXPECT_EQ(bytes.tokens, 5u);
  EXPECT_EQ(bytes.uses['a'], 2u);
  EXPECT_EQ(bytes.uses[255], 1u);
  EXPECT_EQ(pairs.tokens, 4u);
  EXPECT_EQ(pairs.uses['a' * 256 + 'b'], 1u);
  EXPECT_EQ(pairs.uses['a' * 256 + 255], 1u);
  EXPECT_TRUE(bytes.contradiction().empty() && pairs.contradiction().empty());
  EXPECT_NEAR(jensen_shannon(bytes, byte_counts("xyz", 1)), 1.0, 1e-12);
}

TEST(babel_rows, are_kept_and_a_cut_line_is_passed_over) {
  const testing::temporary_directory folder;
  const std::string path = folder / "rows.jsonl";
  {
    row_file rows{path};
    EXPECT_FALSE(rows.find("a | b").has_value());
    rows.add("a | b", 1.25);
    rows.add("\"quoted\"", 0.1);
  }
  std::ofstream{path, std::ios::app} << "{\"key\": \"cut\", \"val";
  const row_file rows{path};
  EXPECT_EQ(rows.find("a | b"), 1.25);
  EXPECT_EQ(rows.find("\"quoted\""), 0.1);
  EXPECT_FALSE(rows.find("cut").has_value());
  row_file{path}.add("after", 2);  // begins a line of its own
  EXPECT_EQ(row_file{path}.find("after"), 2.0);
}

TEST(babel_rows, different_prunings_have_different_keys) {
  std::map<std::string, pruning> known;
  std::vector<pruning> plan = main_plan();
  for (const pruning& how : side_plan()) plan.push_back(how);
  for (const pruning& how : plan) {
    const auto [at, is_new] = known.emplace(how.key("m", "de"), how);
    if (is_new) continue;
    EXPECT_TRUE(at->second.view == how.view && at->second.use == how.use && at->second.judge == how.judge &&
                at->second.rate == how.rate && at->second.seed == how.seed && at->second.level == how.level &&
                at->second.lambda == how.lambda)
        << at->first;
  }
  EXPECT_GT(known.size(), 300u);
}

TEST(babel_rows, an_interval_known_by_heart) {
  const summary found = summary_of({1, 2, 3, 4, 5});
  EXPECT_DOUBLE_EQ(found.mean, 3);
  EXPECT_NEAR(found.half_width, 2.776 * std::sqrt(2.5 / 5), 1e-12);
  EXPECT_EQ(found.positive, 5);
  EXPECT_TRUE(found.clear());
  EXPECT_FALSE(summary_of({-1, 2, -3, 1}).clear());
  EXPECT_EQ(difference_cell(std::nullopt), "missing");
}

TEST(babel_rows, draws_are_brought_together_by_language) {
  const testing::temporary_directory folder;
  row_file rows{folder / "rows.jsonl"};
  pruning how{.judge = judge_kind::random, .rate = 0.25};
  for (how.seed = 1; how.seed <= 2; ++how.seed) {
    double bits = static_cast<double>(how.seed);
    for (const std::string_view code : pruned_languages) rows.add(how.key("m", code), bits += 10);
  }
  const results of{rows, "m"};
  const by_language mean = of.random_bits(how, 2);
  ASSERT_TRUE(mean.has_value());
  EXPECT_DOUBLE_EQ(mean->front(), 11.5);
  EXPECT_DOUBLE_EQ(mean->back(), 81.5);
  EXPECT_NEAR(*of.deviation_of_draws(how, 2), std::sqrt(0.5), 1e-12);
  EXPECT_FALSE(of.random_bits(how, 3).has_value()) << "a seed is missing";
  EXPECT_FALSE((results{rows, "other"}.random_bits(how, 2).has_value()));
}

TEST(babel_tree, every_leaf_is_drawn_once_and_the_file_is_well_formed) {
  random_source random{4};
  distance_table distances(7, std::vector<double>(7, 0.0));
  for (std::size_t a = 0; a < 7; ++a) {
    for (std::size_t b = 0; b < a; ++b) distances[a][b] = distances[b][a] = random.uniform();
  }
  dendrogram tree{.title = "a < b", .notes = {"note"}, .leaves = {}, .steps = average_linkage(distances)};
  for (int leaf = 0; leaf < 7; ++leaf) tree.leaves.push_back({"leaf " + std::to_string(leaf)});
  const auto order = drawing_order(tree.steps);
  EXPECT_EQ(std::set<index_t>(order.begin(), order.end()).size(), 7u);
  const std::string drawn = to_svg(tree);
  EXPECT_EQ(testing::not_well_formed(drawn), "");
  for (int leaf = 0; leaf < 7; ++leaf) EXPECT_NE(drawn.find("leaf " + std::to_string(leaf)), std::string::npos);
}

}  // namespace
}  // namespace fissile::babel_study
