// The pictures of likeness hold every cosine, whatever its sign, and say what they were made of.
#include <fissile/report/similarity_map.hpp>

#include <gtest/gtest.h>

#include "report/well_formed.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace similarity_map_tests {

language_centroids random_centroids(random_source& random, index_t layers) {
  language_centroids found{{.labels = {"en", "<de>", "\u4e2d"}, .layers = layers, .width = 3, .corpus = "guide"}};
  for (index_t i = 0; i < 3 * layers; ++i) {
    const auto state = testing::random_numbers<float>(random, 3);
    found.add(i % 3, i / 3, matrix_view{state.data(), 1, 3});
  }
  return found;
}

TEST(similarity_map, holds_every_cosine_and_draws_it) {
  random_source random{61};
  for (int trial = 0; trial < 50; ++trial) {
    const language_centroids found = random_centroids(random, 2);
    const heat_map map = similarity_map(found, 1, "title");
    ASSERT_EQ(map.groups.size(), 1u);
    double least = 1;
    for (std::size_t a = 0; a < 3; ++a) {
      EXPECT_EQ(map.groups[0].rows[a].name, found.labels()[a]);
      EXPECT_EQ(map.groups[0].rows[a].values, found.cosines(1)[a]);
      for (const double cosine : map.groups[0].rows[a].values) least = std::min(least, cosine);
    }
    EXPECT_LE(map.minimum, least);
    EXPECT_GE(map.minimum, least - 0.051);
    EXPECT_EQ(map.columns, found.labels());
    EXPECT_EQ(testing::not_well_formed(to_svg(map)), "");
  }
}

TEST(similarity_map, says_layer_corpus_and_sentences) {
  random_source random{62};
  language_centroids found = random_centroids(random, 3);
  found.add("en", 2, matrix_view<const float>{nullptr, 0, 3});
  const heat_map map = similarity_map(found, 2, "title");
  EXPECT_EQ(map.notes, (std::vector<std::string>{"after block 1", "corpus: guide",
                                                 "sentences: en 1 (1 left out), <de> 1, \u4e2d 1"}));
  EXPECT_EQ(similarity_map(found, 0, "title").notes[0], "embedding");
}

TEST(similarity_map, languages_that_are_one_or_were_never_seen_are_drawn) {
  language_centroids found{{.labels = {"en", "de"}, .width = 1}};
  EXPECT_EQ(testing::not_well_formed(to_svg(similarity_map(found, 0, "nothing was seen"))), "");
  const float one = 1;
  for (const char* label : {"en", "de"}) found.add(label, 0, matrix_view{&one, 1, 1});
  const heat_map map = similarity_map(found, 0, "title");
  EXPECT_EQ(map.minimum, 0.95);
  EXPECT_EQ(testing::not_well_formed(to_svg(map)), "");
}

TEST(similarity_chart, holds_both_means_of_every_layer) {
  random_source random{63};
  const language_centroids found = random_centroids(random, 4);
  const line_chart chart = similarity_chart(found, "title");
  ASSERT_EQ(chart.series.size(), 2u);
  for (index_t layer = 0; layer < 4; ++layer) {
    for (std::size_t series = 0; series < 2; ++series) {
      const chart_point& point = chart.series[series].points.at(to_size(layer));
      EXPECT_EQ(point.x, static_cast<double>(layer) - 1) << "the block that the states come after";
      EXPECT_EQ(point.y, found.mean_cosine(layer, series == 0 ? own_pairs::left_out : own_pairs::included));
    }
  }
  EXPECT_EQ(testing::not_well_formed(to_svg(chart)), "");
}

}  // namespace similarity_map_tests
}  // namespace fissile
