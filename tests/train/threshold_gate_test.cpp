#include <fissile/train/threshold_gate.hpp>

#include <fissile/base/random.hpp>
#include <fissile/route/squashes.hpp>

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

static_assert(selector<threshold_gate>);

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// Weights as a selector gives them, 0 where an expert is not chosen.
template <class Selector>
std::vector<float> routed(const Selector& select, std::vector<float> values) {
  std::vector<float> keys = values;
  route chosen{length(values)};
  select.select({values, keys}, chosen);
  std::vector<float> weights(values.size());
  for (const choice& c : chosen) weights[to_size(c.expert)] = c.weight;
  return weights;
}
std::vector<float> opened(const threshold_gate& rule, std::vector<float> values) {
  std::vector<float> weights(values.size(), nan);
  rule.open<float>(values, weights);
  return weights;
}

/// Values with ties, values at the threshold, NaN, and at times nothing above it.
std::vector<float> random_values(random_source& random, float threshold) {
  std::vector<float> values(to_size(1 + random.below(20)));
  const auto top = static_cast<float>(random.below(3) == 0 ? static_cast<double>(threshold) : 1.0);
  for (float& value : values) {
    value = static_cast<float>(random.uniform()) * top;
    if (random.below(6) == 0) value = threshold;
    if (random.below(6) == 0) value = values[0];
    if (random.below(9) == 0) value = nan;
  }
  return values;
}

TEST(threshold_gate, is_strict_and_passes_the_value) {
  const threshold_gate rule{.threshold = 0.5f, .rescale = rescaling::none};
  const float above = std::nextafter(0.5f, 1.0f);
  EXPECT_EQ(opened(rule, {0.5f, above, 0.4f, 0.9f}), (std::vector<float>{0, above, 0, 0.9f}));
}

TEST(threshold_gate, rescales_by_experts_over_active_experts) {
  std::vector<float> weights(4);
  std::vector<float> values{0.6f, 0.1f, 0.8f, 0.2f};
  EXPECT_EQ(threshold_gate{}.open<float>(values, weights), 2.0f);
  EXPECT_EQ(weights, (std::vector<float>{1.2f, 0, 1.6f, 0}));
}

TEST(threshold_gate, gives_exactly_the_weights_of_the_decorators) {
  random_source random{1};
  int empty = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const auto threshold = static_cast<float>(random.uniform());
    const std::vector<float> values = random_values(random, threshold);
    const above over{.threshold = threshold};
    const auto expect = [&](threshold_gate rule, const std::vector<float>& by_decorators) {
      rule.threshold = threshold;
      EXPECT_EQ(opened(rule, values), by_decorators);
      EXPECT_EQ(routed(rule, values), by_decorators);
    };
    expect({}, routed(rescaled{scaled{over}}, values));
    expect({.rescale = rescaling::none}, routed(scaled{over}, values));
    expect({.if_none = nothing_active::strongest}, routed(rescaled{scaled{at_least_one{over}}}, values));
    expect({.rescale = rescaling::none, .if_none = nothing_active::strongest},
           routed(scaled{at_least_one{over}}, values));
    empty += routed(over, values) == std::vector<float>(values.size()) ? 1 : 0;
  }
  EXPECT_GT(empty, 100);  // the interesting case did come
}

TEST(threshold_gate, nothing_active_is_nothing_or_the_strongest) {
  std::vector<float> values{0.1f, 0.4f, 0.4f, nan};
  std::vector<float> weights(4, nan);
  EXPECT_EQ(threshold_gate{}.open<float>(values, weights), 1.0f);
  EXPECT_EQ(weights, (std::vector<float>{0, 0, 0, 0}));
  const threshold_gate strongest{.if_none = nothing_active::strongest};
  EXPECT_EQ(strongest.open<float>(values, weights), 4.0f);
  EXPECT_EQ(weights, (std::vector<float>{0, 1.6f, 0, 0}));  // the lower index wins the tie
  std::vector<float> undefined{nan, nan};
  std::vector<float> two(2, nan);
  EXPECT_EQ(strongest.open<float>(undefined, two), 1.0f);
  EXPECT_EQ(two, (std::vector<float>{0, 0}));
}

TEST(threshold_gate, all_equal_values_above_pass_as_they_are) {
  for (const double value : {0.51, 0.7, 1.0}) {
    std::vector<double> values(7, value);
    std::vector<double> weights(7);
    EXPECT_EQ(threshold_gate{}.open<double>(values, weights), 1.0);
    EXPECT_EQ(weights, values);
  }
}

TEST(threshold_gate, a_negative_threshold_opens_all) {
  std::vector<double> values{0.0, 1e-300, 0.3};
  std::vector<double> weights(3);
  EXPECT_EQ((threshold_gate{.threshold = -0.1f}.open<double>(values, weights)), 1.0);
  EXPECT_EQ(weights, values);
}

}  // namespace
}  // namespace fissile
