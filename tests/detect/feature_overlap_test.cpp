#include <fissile/detect/feature_overlap.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

feature_magnitudes magnitudes_of(const std::vector<float>& state) {
  feature_magnitudes found{{.layers = 1, .width = length(state)}};
  found.add(0, {state.data(), 1, length(state)});
  found.input_end();
  return found;
}

TEST(feature_overlap, counts_what_is_large_here_and_small_there) {
  const feature_magnitudes a = magnitudes_of({9, 8, 3, 2, 1}), b = magnitudes_of({1, 7, 8, 2, 9});
  EXPECT_EQ(feature_overlap(a, b, 0.4), (std::vector<double>{0.5})) << "of {0, 1}, only 0 is among b's {0, 3}";
  EXPECT_EQ(feature_overlap(a, magnitudes_of({1, 2, 3, 4, 5})), (std::vector<double>{1}));
  EXPECT_EQ(feature_overlap(a, a), (std::vector<double>{0}));
  EXPECT_EQ(feature_overlap(a, b, 1), (std::vector<double>{1}));
  EXPECT_EQ(feature_overlap(a, b, 0), (std::vector<double>{0}));
}

TEST(feature_overlap, of_equals_the_lower_are_on_top) {
  const feature_magnitudes flat = magnitudes_of({1, 1, 1, 1});
  EXPECT_EQ(feature_overlap(flat, flat, 0.5), (std::vector<double>{0}));
  EXPECT_EQ(feature_overlap(magnitudes_of({0, 0, 1, 1}), flat, 0.5), (std::vector<double>{1}));
}

TEST(feature_overlap, refuses_other_shapes) {
  testing::expect_says(testing::message_of<shape_error>([] {
                         feature_overlap(magnitudes_of({1}), magnitudes_of({1, 2}));
                       }),
                       {"width 1", "width 2"});
  EXPECT_THROW(feature_overlap(magnitudes_of({1}), magnitudes_of({1}), 1.5), setting_error);
}

}  // namespace
}  // namespace fissile
