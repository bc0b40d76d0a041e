#include <fissile/report/frequency_map.hpp>

#include <gtest/gtest.h>

#include "count/random_counts.hpp"
#include "report/well_formed.hpp"

namespace fissile {
namespace {

TEST(frequency_map, holds_every_frequency) {
  random_source random{31};
  const activation_counts counts =
      testing::random_counts(random, testing::random_splits(random, 3), {"en", "<de>", "\u4e2d"});
  const heat_map map = frequency_map(counts, "title");
  ASSERT_EQ(map.groups.size(), 3u);
  for (index_t layer = 0; layer < 3; ++layer) {
    const heat_map_group& group = map.groups[to_size(layer)];
    EXPECT_EQ(group.name, "layer " + std::to_string(layer));
    ASSERT_EQ(group.rows.size(), 3u);
    for (std::size_t label = 0; label < 3; ++label) {
      const heat_map_row& row = group.rows[label];
      EXPECT_EQ(row.name, counts.labels()[label]);
      ASSERT_EQ(length(row.values), counts.experts(layer));
      for (index_t e = 0; e < counts.experts(layer); ++e) {
        const double value = row.values[to_size(e)];
        if (counts.tokens(label, layer) == 0) {
          EXPECT_TRUE(std::isnan(value));
        } else {
          EXPECT_EQ(value, counts.frequency(label, layer, e));
        }
      }
    }
  }
  EXPECT_EQ(testing::not_well_formed(to_svg(map)), "");
}

TEST(frequency_map, says_corpus_and_tokens) {
  activation_counts counts{partition{{{0}, {1}}}, {.labels = {"en", "de"}, .layers = 1, .corpus = "guide"}};
  counts.set("en", 0, testing::counts_of(7, {3, 4}));
  const heat_map map = frequency_map(counts, "title");
  ASSERT_EQ(map.notes.size(), 2u);
  EXPECT_EQ(map.notes[0], "corpus: guide");
  EXPECT_EQ(map.notes[1].rfind("tokens: en 7, de 0;", 0), 0u) << map.notes[1];
  EXPECT_TRUE(std::isnan(map.groups[0].rows[1].values[0])) << "de has seen no tokens";
}

}  // namespace
}  // namespace fissile
