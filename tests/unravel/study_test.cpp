// A whole study of a tiny model: every combination once, the same whatever runs it.
#include "samples.hpp"

#include <gtest/gtest.h>

#include <set>
#include <tuple>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

using key = std::tuple<std::string, std::string_view, std::string_view, std::string_view, double, std::uint64_t>;

std::set<key> keys_of(const study_result& done) {
  std::set<key> keys;
  for (const study_row& row : done.rows) {
    const bool added = keys.emplace(done.languages[to_size(row.language)].language, name_of(row.how.judge),
                                    name_of(row.how.how), name_of(row.how.budget), row.how.rate, row.how.seed)
                           .second;
    EXPECT_TRUE(added) << "each combination once";
  }
  return keys;
}

/// Written out by hand, not by the code that is tested.
std::set<key> expected_keys(const std::vector<std::string>& languages, std::uint64_t seed) {
  std::set<key> keys;
  const auto add_judges = [&](const std::string& language, std::string_view how, std::string_view budget, double rate) {
    for (const char* judge : {"own", "all", "most"}) keys.emplace(language, judge, how, budget, rate, seed);
    if (languages.size() > 1) keys.emplace(language, "other", how, budget, rate, seed);
    for (std::uint64_t draw = 0; draw < 5; ++draw) keys.emplace(language, "random", how, budget, rate, seed + draw);
  };
  for (const std::string& language : languages) {
    keys.emplace(language, "none", "all", "uniform", 0.0, seed);
    keys.emplace(language, "none", "top_k", "uniform", 0.0, seed);
    for (const double rate : {0.125, 0.25, 0.5}) add_judges(language, "all", "uniform", rate);
    add_judges(language, "top_k", "uniform", 0.25);
    add_judges(language, "all", "level", 0.25);
  }
  return keys;
}

TEST(study, has_every_combination_once) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const study_result done = run_small_study(weights, two_languages());
  EXPECT_EQ(keys_of(done), expected_keys({"aa", "bb"}, 3));
  EXPECT_EQ(done.rows.size(), 2u * 47);
  for (const study_row& row : done.rows) {
    EXPECT_TRUE(std::isfinite(row.scored.bits_per_byte()));
    EXPECT_EQ(row.scored.bytes, row.language == 0 ? 1150 - 1024 : 1200 - 1024);
  }
}

TEST(study, of_one_text_leaves_other_out) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const study_result done = run_small_study(weights, {.name = "one", .texts = {random_text_of("aa", 1100)}});
  EXPECT_EQ(keys_of(done), expected_keys({"aa"}, 3));
}

TEST(study, does_not_depend_on_threads) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  study_settings two = small_study;
  two.threads = 2;
  const study_result a = run_small_study(weights, two_languages()), b = run_small_study(weights, two_languages(), two);
  EXPECT_EQ(a.counts, b.counts);
  EXPECT_EQ(a.verdicts, b.verdicts);
  ASSERT_EQ(a.rows.size(), b.rows.size());
  for (std::size_t i = 0; i < a.rows.size(); ++i) {
    EXPECT_EQ(a.rows[i].how, b.rows[i].how);
    EXPECT_EQ(a.rows[i].scored.bits, b.rows[i].scored.bits);
  }
}

TEST(study, counts_the_odd_blocks_and_as_many_uses_as_are_active) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const study_result done = run_small_study(weights, two_languages());
  const engine::tokenizer words{weights.file()};
  for (index_t language = 0; language < 2; ++language) {
    const std::string content = two_languages().texts[to_size(language)].content;
    const auto tokens = static_cast<std::uint64_t>(words.encode(content.substr(0, 1024)).size());
    for (index_t layer = 0; layer < 2; ++layer) {
      const layer_counts& seen = done.counts.of(language, layer);
      EXPECT_EQ(seen.tokens, tokens) << "the begin tokens are none of the text's";
      std::uint64_t uses = 0;
      for (const std::uint64_t use : seen.uses) uses += use;
      EXPECT_EQ(uses, 2 * tokens);
    }
  }
}

TEST(study, says_which_texts_are_short) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const corpus texts{.name = "made up", .texts = {random_text_of("aa", 2500), random_text_of("bb", 1100)}};
  study_settings settings = small_study;
  settings.bytes = 1000;  // rounded up to a block
  const study_result done = run_small_study(weights, texts, settings);
  EXPECT_EQ(done.languages[0].length, text_length::enough);
  EXPECT_EQ(done.languages[0].counted_bytes, 1024);
  EXPECT_EQ(done.languages[0].scored_bytes, 1024);
  EXPECT_EQ(done.languages[1].length, text_length::short_of);
  EXPECT_EQ(done.languages[1].counted_bytes + done.languages[1].scored_bytes, 1100);
  EXPECT_TRUE(done.agreements.empty()) << "one odd block has no halves";
}

TEST(study, says_how_well_halves_agree) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  study_settings settings = small_study;
  settings.bytes = 2048;
  const corpus texts{.name = "made up", .texts = {random_text_of("aa", 2300)}};
  const study_result done = run_small_study(weights, texts, settings);
  ASSERT_EQ(done.agreements.size(), 2u) << "one a layer";
  for (const agreement& one : done.agreements) {
    EXPECT_GE(one.tokens_first, 1024u);
    EXPECT_GE(one.tokens_second, 2300u - 2048);
    EXPECT_EQ(one.tokens_first + one.tokens_second, done.counts.tokens("aa", one.layer));
  }
}

TEST(study, removes_what_the_budgets_say) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const study_result done = run_small_study(weights, two_languages());
  for (const auto& [name, decided] : done.verdicts) {
    const bool level = name.find("_level_") != name.npos;
    const auto each = static_cast<index_t>(std::floor(decided.rate * 6 + 0.5));
    EXPECT_EQ(decided.removed_count(), 2 * each) << name;
    for (index_t layer = 0; layer < 2; ++layer) {
      if (!level) {
        EXPECT_EQ(decided.removed_count(layer), each) << name;
      }
      if (level) {
        EXPECT_GE(length(decided.kept(layer)), small_study.active) << name;
      }
    }
  }
  EXPECT_EQ(done.verdicts.at("other_aa_uniform_0.5_3.json").layers,
            done.verdicts.at("own_bb_uniform_0.5_3.json").layers);
  EXPECT_EQ(done.verdicts.at("other_bb_uniform_0.5_3.json").layers,
            done.verdicts.at("own_aa_uniform_0.5_3.json").layers);
}

TEST(study, routes_as_many_as_survive_where_they_are_fewer_than_the_active) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  study_settings settings = small_study;
  settings.active = 6;
  const study_result done = run_small_study(weights, {.name = "one", .texts = {random_text_of("aa", 1060)}}, settings);
  for (const study_row& row : done.rows) EXPECT_TRUE(std::isfinite(row.scored.bits_per_byte()));
  EXPECT_EQ(done.rows[0].scored.bits, done.rows[1].scored.bits) << "all of them active is all of them on";
}

TEST(study, refuses_settings_that_do_not_serve) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const auto refusal = [&](study_settings settings, index_t bytes) {
    const corpus texts{.name = "one", .texts = {random_text_of("aa", bytes)}};
    return message_of<setting_error>([&] { study(weights, texts, settings); });
  };
  expect_says(refusal({.experts = 6, .active = 7, .bytes = 1}, 2000), {"--active", "1 to 6", "7"});
  expect_says(refusal({.experts = 65, .bytes = 1}, 2000), {"experts", "64", "65"});
  expect_says(refusal({.experts = 4, .bytes = 1}, 800), {"aa", "800 bytes"});
}

TEST(study, takes_a_quarter_as_active_where_nothing_is_said) {
  EXPECT_EQ(settled({.experts = 48}).active, 12);
  EXPECT_EQ(settled({.experts = 6}).active, 2);
  EXPECT_EQ(settled({.experts = 5}).active, 1);
  EXPECT_EQ(settled({.experts = 2}).active, 1);
  EXPECT_GE(settled({}).threads, 1);
}

}  // namespace
