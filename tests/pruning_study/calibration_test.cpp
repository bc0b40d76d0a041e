// What is read before pruning: every kind reads as much, nothing is held out, and all of it fits the context.
#include <pruning/calibration.hpp>
#include <pruning/features.hpp>
#include <pruning/plan.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "pages.hpp"

namespace fissile::pruning_study {
namespace {

index_t lines_of(const std::string& text) {
  return static_cast<index_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(calibration, every_kind_reads_as_many_bytes_within_the_context) {
  const auto pages = parallel_pages(made_up_guide(4, 30));
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const sample_draw draw{.samples = 24, .bytes = 511, .seed = seed};
    const auto translations = draw_samples({}, pages, draw);
    for (const calibration& on : all_calibrations()) {
      const auto samples = draw_samples(on, pages, draw);
      ASSERT_EQ(samples.size(), 24u);
      for (std::size_t i = 0; i < samples.size(); ++i) {
        EXPECT_EQ(samples[i].size(), translations[i].size()) << on.name();
        EXPECT_LE(samples[i].size(), 511u);
      }
      EXPECT_EQ(samples, draw_samples(on, pages, draw)) << "the seed says it all";
      auto fewer = draw;
      fewer.samples = 5;
      EXPECT_TRUE(std::equal(samples.begin(), samples.begin() + 5, draw_samples(on, pages, fewer).begin()));
    }
  }
}

TEST(calibration, translations_are_one_to_four_demonstrations_of_two_languages) {
  std::set<index_t> shots;
  for (const std::string& sample :
       draw_samples({}, parallel_pages(made_up_guide(4, 30)), {.samples = 64, .bytes = 4000})) {
    ASSERT_EQ(lines_of(sample) % 2, 0);
    shots.insert(lines_of(sample) / 2);
    std::set<std::string> named;
    std::vector<std::string> places;
    for (std::size_t at = 0; at < sample.size(); at = sample.find('\n', at) + 1) {
      const std::string line = sample.substr(at, sample.find('\n', at) - at);
      named.insert(line.substr(0, line.find(':')));
      places.push_back(digits_of(line));
    }
    EXPECT_EQ(named.size(), 2u);
    for (std::size_t i = 0; i < places.size(); i += 2) EXPECT_EQ(places[i], places[i + 1]) << "the same paragraph";
  }
  EXPECT_EQ(shots, (std::set<index_t>{1, 2, 3, 4}));
}

TEST(calibration, nothing_is_held_out_nor_left_in_another_language) {
  const auto pages = parallel_pages(made_up_guide(4, 30));
  for (const calibration& on : all_calibrations()) {
    if (on.kind == text_kind::random_bytes) continue;
    for (const std::string& sample : draw_samples(on, pages, {.samples = 40})) {
      EXPECT_EQ(sample.find(" 19"), std::string::npos) << "paragraphs of held-out pages are numbered from 19000 on";
      EXPECT_EQ(sample.find("apt-get"), std::string::npos);
    }
  }
}

TEST(calibration, pages_without_a_translation_that_fits_are_refused) {
  EXPECT_THROW(draw_samples({}, parallel_pages(made_up_guide(2, 10)), {.samples = 1, .bytes = 20}), setting_error);
  EXPECT_THROW(draw_samples({}, {}, {}), setting_error);
}

TEST(calibration, padding_fills_up_to_the_context) {
  const padded_sample made = padded_to({5, 6, 7}, 5, 9);
  EXPECT_EQ(made.tokens, (std::vector<engine::token_id>{5, 6, 7, 9, 9}));
  EXPECT_EQ(made.padding, (std::vector<char>{0, 0, 0, 1, 1}));
}

TEST(plan, every_experiment_has_a_name_of_its_own) {
  std::set<std::string> names{experiment{}.key()};
  std::size_t count = 1;
  for (const table_plan& plan : all_tables()) {
    for (const experiment& one : experiments_of(plan)) {
      names.insert(one.key());
      ++count;
    }
  }
  EXPECT_EQ(names.size(), count);
}

}  // namespace
}  // namespace fissile::pruning_study
