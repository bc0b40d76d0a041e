#include <fissile/detect/outlier_rules.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;
using lists = std::vector<std::vector<index_t>>;

static_assert(outlier_rule<top_fraction> && outlier_rule<ratio_to_median> && outlier_rule<massive_activation> &&
              outlier_rule<llm_int8>);

/// The least that is a rule.
struct even_features {
  lists find(const feature_magnitudes& found) const {
    return features_where(found, [](index_t, index_t feature) { return feature % 2 == 0; });
  }
};
static_assert(outlier_rule<even_features>);
struct no_rule {
  std::vector<index_t> find(const feature_magnitudes&) const { return {}; }
};
static_assert(!outlier_rule<no_rule>);

/// One input; a row of numbers for each position of each layer.
feature_magnitudes seen(const std::vector<std::vector<std::vector<float>>>& layers, float loud = 6) {
  feature_magnitudes found{{.layers = length(layers), .width = length(layers[0][0]), .loud = loud}};
  for (index_t layer = 0; layer < length(layers); ++layer) {
    for (const std::vector<float>& state : layers[to_size(layer)]) found.add(layer, {state.data(), 1, length(state)});
  }
  found.input_end();
  return found;
}

TEST(outlier_rules, a_rule_of_ones_own) {
  EXPECT_EQ(even_features{}.find(seen({{{1, 1, 1}}, {{1, 1, 1}}})), (lists{{0, 2}, {0, 2}}));
}

TEST(top_fraction, takes_the_largest_and_of_equals_the_lower) {
  const feature_magnitudes found = seen({{{1, 5, 2, 5, 3, 0, 0, 4}}, {{1, 1, 1, 1, 1, 1, 1, 1}}});
  EXPECT_EQ(top_fraction{0.25}.find(found), (lists{{1, 3}, {0, 1}}));
  EXPECT_EQ(top_fraction{0.125}.find(found), (lists{{1}, {0}}));
  EXPECT_EQ(top_fraction{0}.find(found), (lists{{}, {}}));
  EXPECT_EQ(top_fraction{1}.find(found)[0].size(), 8u);
  EXPECT_EQ(top_fraction{0.3125}.find(found)[0].size(), 3u) << "2.5: halves go up";
}

TEST(ratio_to_median, is_strict) {
  const feature_magnitudes found = seen({{{1, 4, 2, 20, 2}}, {{3, 3, 3, 3, 3}}});
  EXPECT_EQ(ratio_to_median{2}.find(found), (lists{{3}, {}})) << "4 is not above 2 * 2";
  EXPECT_EQ(ratio_to_median{1.9}.find(found), (lists{{1, 3}, {}}));
  EXPECT_EQ(ratio_to_median{0.9}.find(found)[1].size(), 5u);
  EXPECT_EQ(ratio_to_median{2.5}.find(seen({{{1, 2, 3, 6}}})), (lists{{3}})) << "the lower of 2 and 3 is the median";
}

TEST(massive_activation, needs_magnitude_and_ratio_at_one_position) {
  const std::vector<float> massive{150, 0.1f, 0.1f, 0.1f, 99};
  const std::vector<float> loud{200, 30, 30, 30, 101};  // everything is large here
  EXPECT_EQ(massive_activation{}.find(seen({{massive}})), (lists{{0}})) << "99 is not above 100";
  EXPECT_EQ(massive_activation{}.find(seen({{loud}})), (lists{{}}));
  EXPECT_EQ((massive_activation{.magnitude = 100, .ratio = 3}).find(seen({{loud}})), (lists{{0, 4}}));
  EXPECT_EQ((massive_activation{.magnitude = 150, .ratio = 1}).find(seen({{massive}})), (lists{{}})) << "strict";
  EXPECT_EQ((massive_activation{.magnitude = 1, .ratio = 4}).find(seen({{{4, 1, 1}}})), (lists{{0}})) << "not strict";
}

TEST(llm_int8, needs_enough_layers_and_positions) {
  // Feature 0 is loud at one of two positions of layers 0 and 2; feature 1 in one layer; feature 2 nowhere.
  const std::vector<std::vector<std::vector<float>>> layers{
      {{6, 7, 5.9f}, {0, 7, 0}}, {{0, 0, 0}, {0, 0, 0}}, {{0, 0, 0}, {-8, 0, 0}}, {{0, 0, 0}, {0, 0, 0}}};
  const feature_magnitudes found = seen(layers);
  EXPECT_EQ((llm_int8{.layers = 0.5, .positions = 0.25}).find(found), (lists{{0}, {}, {0}, {}}));
  EXPECT_EQ((llm_int8{.layers = 0.25, .positions = 0.25}).find(found), (lists{{0, 1}, {}, {0}, {}}));
  EXPECT_EQ((llm_int8{.layers = 0.75, .positions = 0.25}).find(found), (lists{{}, {}, {}, {}}));
  EXPECT_EQ((llm_int8{.layers = 0.25, .positions = 0.26}).find(found), (lists{{}, {}, {}, {}}));
  EXPECT_EQ(llm_int8{}.find(found), (lists{{0, 1}, {}, {0}, {}})) << "2 of 8 positions is more than 6 %";
}

TEST(outlier_rules, refuse_what_cannot_be) {
  const feature_magnitudes found = seen({{{1, 2}}});
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double share : {-0.1, 1.1, nan}) {
    expect_says(message_of<setting_error>([&] { top_fraction{share}.find(found); }), {"top_fraction", "from 0 to 1"});
    expect_says(message_of<setting_error>([&] { (llm_int8{.layers = share}).find(found); }), {"llm_int8: layers"});
    expect_says(message_of<setting_error>([&] { (llm_int8{.positions = share}).find(found); }),
                {"llm_int8: positions"});
  }
  for (const double number : {-1.0, nan}) {
    expect_says(message_of<setting_error>([&] { ratio_to_median{number}.find(found); }), {"ratio_to_median"});
    expect_says(message_of<setting_error>([&] { massive_activation{.magnitude = number}.find(found); }),
                {"massive_activation"});
  }
  expect_says(message_of<setting_error>([&] { (llm_int8{.magnitude = 5}).find(found); }),
              {"llm_int8: magnitude", "6", "feature_settings::loud"});
}

TEST(outlier_rules, lists_ascend_and_name_features_of_the_layer) {
  random_source random{101};
  for (index_t round = 0; round < 50; ++round) {
    const index_t width = 1 + random.below(40);
    feature_magnitudes found{{.layers = 3, .width = width, .loud = 1}};
    for (index_t layer = 0; layer < 3; ++layer) {
      const auto numbers = testing::random_numbers<float>(random, 5 * width, 2.0);
      found.add(layer, {numbers.data(), 5, width});
    }
    found.input_end();
    const auto check = [&](const lists& layers) {
      ASSERT_EQ(layers.size(), 3u);
      for (const std::vector<index_t>& features : layers) {
        ASSERT_TRUE(std::is_sorted(features.begin(), features.end(), std::less_equal<>{}));
        for (index_t f : features) ASSERT_TRUE(f >= 0 && f < width);
      }
    };
    check(top_fraction{random.uniform()}.find(found));
    check(ratio_to_median{random.uniform() * 2}.find(found));
    check(massive_activation{random.uniform() * 4, random.uniform() * 4}.find(found));
    check(llm_int8{1, random.uniform(), random.uniform()}.find(found));
    for (const std::vector<index_t>& features : top_fraction{0.3}.find(found)) {
      ASSERT_EQ(length(features), static_cast<index_t>(std::floor(0.3 * static_cast<double>(width) + 0.5)));
    }
  }
}

}  // namespace
}  // namespace fissile
