// The picture of importance holds every layer's score and says how it was read.
#include <fissile/report/importance_map.hpp>

#include <gtest/gtest.h>

#include "report/well_formed.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace importance_map_tests {

TEST(importance_map, holds_the_score_of_every_layer_and_says_how_it_was_read) {
  random_source random{64};
  component_importance found{{.labels = {"en", "de"},
                              .layers = 3,
                              .components = {{.name = "query", .neurons = 2}, {.name = "hidden", .neurons = 4}},
                              .corpus = "guide"}};
  for (index_t layer = 0; layer < 3; ++layer) {
    for (const component_shape& one : found.components()) {
      const auto x = testing::random_numbers<float>(random, 5 * one.neurons);
      const matrix_view<const float> numbers{x.data(), 5, one.neurons};
      found.add("en", {layer, one.name}, numbers, numbers);
    }
  }
  const importance_reading per_token{.how = summed_by::total, .by = importance_reading::scale::per_token};
  for (const importance_reading reading : {importance_reading{}, per_token}) {
    const heat_map map = importance_map(found, "title", reading);
    ASSERT_EQ(map.groups.size(), 1u);
    for (index_t layer = 0; layer < 3; ++layer) {
      EXPECT_EQ(map.groups[0].rows[0].values.at(to_size(layer)), found.of_layer("en", layer, reading));
      EXPECT_TRUE(std::isnan(map.groups[0].rows[1].values.at(to_size(layer)))) << "de has seen no tokens";
    }
    EXPECT_EQ(testing::not_well_formed(to_svg(map)), "");
  }
  EXPECT_EQ(importance_map(found, "title").notes,
            (std::vector<std::string>{"sum over tokens of |output x dL/doutput|", "components: query, hidden",
                                      "corpus: guide", "tokens: en 5, de 0"}));
  EXPECT_EQ(importance_map(found, "title", per_token).notes[0], "|sum over tokens of output x dL/doutput| / tokens");
}

}  // namespace importance_map_tests
}  // namespace fissile
