#include <fissile/route/decorators.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/train/load_bias.hpp>

#include "count/random_counts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace fissile::testing {
namespace {

TEST(load_bias, goes_down_above_the_mean_and_up_below_it) {
  random_source random{1};
  for (int trial = 0; trial < 500; ++trial) {
    const partition split = random_split(random);
    layer_counts step{split};
    for (std::uint64_t& uses : step.uses) uses = static_cast<std::uint64_t>(random.below(5));
    double sum = 0, routed = 0;
    for (index_t e = 0; e < split.experts(); ++e) {
      if (split.shared(e)) continue;
      sum += static_cast<double>(step.uses[to_size(e)]);
      ++routed;
    }
    std::vector<float> bias(to_size(split.experts()), 0.5f);
    load_bias{.gamma = 0.25f}.update(step, bias);
    for (index_t e = 0; e < split.experts(); ++e) {
      const double apart = static_cast<double>(step.uses[to_size(e)]) * routed - sum;  // times routed: whole numbers
      const float expected = split.shared(e) || apart == 0 ? 0.5f : apart > 0 ? 0.25f : 0.75f;
      EXPECT_EQ(bias[to_size(e)], expected);
    }
  }
}

TEST(load_bias, does_nothing_where_nobody_is_routed) {
  layer_counts step{partition{{{0}, {1}}, {0, 1}}};
  step.uses = {3, 4};
  std::vector<float> bias{1, 2};
  load_bias{}.update(step, bias);
  EXPECT_EQ(bias, (std::vector<float>{1, 2}));
}

/// Scores that favour the first experts: without a bias they take nearly all tokens, with it the load comes near even.
TEST(load_bias, balances_a_router_that_is_not) {
  random_source random{2};
  const index_t experts = 8, k = 2, tokens = 200;
  std::vector<float> bias(to_size(experts), 0.0f);
  const auto unevenness_of_a_step = [&] {
    layer_counts step{partition{cut_evenly(ascending(experts), experts, "test")}};
    const biased select{top_k{.k = k}, bias};
    for (index_t token = 0; token < tokens; ++token) {
      std::vector<float> values;
      for (index_t e = 0; e < experts; ++e) {
        values.push_back(static_cast<float>(0.1 * random.normal()) - 0.05f * static_cast<float>(e));
      }
      std::vector<float> keys = values;
      route chosen{experts};
      select.select({values, keys}, chosen);
      step.token(chosen);
    }
    load_bias{}.update(step, bias);
    const auto most = static_cast<double>(*std::max_element(step.uses.begin(), step.uses.end()));
    return most * static_cast<double>(experts) / static_cast<double>(tokens * k);
  };
  const double before = unevenness_of_a_step();
  for (int step = 0; step < 500; ++step) unevenness_of_a_step();
  EXPECT_GT(before, 2.0);
  EXPECT_LT(unevenness_of_a_step(), 1.5);
}

}  // namespace
}  // namespace fissile::testing
