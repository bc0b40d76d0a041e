// What a study writes: files that other programs read, and a report that says how it was made.
#include "samples.hpp"

#include <unravel/reckoning.hpp>
#include <unravel/report.hpp>
#include <unravel/save_study.hpp>

#include <gtest/gtest.h>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

TEST(saved_study, has_all_files_with_what_was_found) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const study_result done = run_small_study(weights, two_languages());
  const std::filesystem::path folder = file.directory() / "new/out";
  save_study(done, "tiny", "# the report\n", folder);

  const json_value rows = read_json((folder / "study.json").string());
  ASSERT_EQ(rows.size(), done.rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> keys;
    for (const auto& entry : rows[i].items()) keys.push_back(entry.key());
    EXPECT_EQ(keys, (std::vector<std::string>{"language", "judge", "routing", "budget", "rate", "seed", "bits_per_byte",
                                              "bytes"}));
    EXPECT_EQ(rows[i]["bits_per_byte"], done.rows[i].scored.bits_per_byte());
    EXPECT_EQ(rows[i]["bytes"], done.rows[i].scored.bytes);
  }
  EXPECT_EQ(read_counts_json((folder / "counts.json").string()), done.counts);
  EXPECT_EQ(content_of((folder / "report.md").string()), "# the report\n");
  const std::string map = content_of((folder / "heatmap.svg").string());
  expect_says(map, {"<svg", "aa", "bb", "layer 1", "tiny"});
  expect_says(content_of((folder / "counts.csv").string()), {"layer,expert,label", "aa", "bb"});
  for (const auto& [name, decided] : done.verdicts) {
    const saved_verdict saved = read_verdict_json((folder / "verdicts" / name).string());
    EXPECT_EQ(saved.decided, decided);
    EXPECT_EQ(saved.partitions, done.partitions);
  }
}

TEST(saved_study, wants_a_folder) {
  const temporary_directory directory;
  put(directory / "file", "in the way");
  expect_says(message_of<file_error>([&] { make_folder(directory / "file"); }), {"file", "a folder"});
}

TEST(report, says_how_it_was_made_and_what_came_out) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const study_result done = run_small_study(weights, two_languages());
  const report_heading heading{.command = "unravel study --seed 3",
                               .model = file.path(),
                               .sizes = weights.sizes(),
                               .opening = window_opening::begin_token};
  const std::string text = study_report{done, heading}.markdown();
  expect_says(text, {"`unravel study --seed 3`", "made up", "1150", "1200", "shorter than asked for: used whole",
                     "1024 bytes", "odd blocks", "begin token", "|h|", "floor(rate * 6 + 1/2)", "0.1 *", "sd",
                     "Definitions", "heatmap.svg", "Levels"});
  for (const paired& one : study_report{done, heading}.everything()) {
    EXPECT_NE(text.find(in_words(one)), text.npos) << in_words(one);
  }
  EXPECT_EQ(text.find("nan"), text.npos);
  const std::string printed = study_report{done, heading}.summary();
  expect_says(printed, {"12.5 %", "25 %", "50 %", "level budget", "oracle", "aa", "bb", "Similarity", "shared",
                        "its own", "against random experts"});
}

TEST(report, of_one_language_claims_no_spread) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const study_result done = run_small_study(weights, {.name = "one", .texts = {random_text_of("aa", 1100)}});
  const std::string text =
      study_report{done,
                   {.command = "c", .model = "m", .sizes = weights.sizes(), .opening = window_opening::context_only}}
          .markdown();
  expect_says(text, {"single language", "context only"});
  EXPECT_EQ(text.find("Similarity"), text.npos);
  EXPECT_EQ(text.find("nan"), text.npos);
}

TEST(default_bytes, are_whole_blocks_and_fewer_for_more_languages) {
  const model_file file;
  const engine::model<float> weights{file.path()};
  const index_t one = default_bytes(weights, 1), many = default_bytes(weights, 4000);
  EXPECT_EQ(one % block_bytes, 0);
  EXPECT_EQ(many % block_bytes, 0);
  EXPECT_LT(many, one);
  EXPECT_GE(many, block_bytes);
}

}  // namespace
