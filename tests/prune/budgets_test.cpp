#include <fissile/base/random.hpp>
#include <fissile/prune/budgets.hpp>

#include "file/temporary.hpp"
#include "prune/policies.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

static_assert(budget<uniform> && budget<by_level>);

index_t sum(const std::vector<index_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), index_t{0});
}

std::vector<layer_size> layers_of(index_t experts, index_t layers) {
  return std::vector<layer_size>(to_size(layers), {.experts = experts, .shared = 0});
}

TEST(most_removable, leaves_what_a_router_needs) {
  EXPECT_EQ(most_removable({8, 0}, 0), 7) << "one stays";
  EXPECT_EQ(most_removable({8, 0}, 3), 5);
  EXPECT_EQ(most_removable({8, 2}, 0), 6) << "the shared ones stay";
  EXPECT_EQ(most_removable({8, 2}, 3), 3);
  EXPECT_EQ(most_removable({8, 2}, 7), 0);
  EXPECT_EQ(most_removable({8, 8}, 1), 0);
}

TEST(uniform, halves_go_up) {
  const std::vector<layer_size> layers{{48, 0}, {10, 0}, {7, 3}, {1, 0}};
  EXPECT_EQ((uniform{.rate = 0.125}).removals(layers), (std::vector<index_t>{6, 1, 1, 0}));
  EXPECT_EQ((uniform{.rate = 0.25}).removals(layers), (std::vector<index_t>{12, 3, 2, 0}));
  EXPECT_EQ((uniform{.rate = 0}).removals(layers), (std::vector<index_t>{0, 0, 0, 0}));
  EXPECT_EQ((uniform{.rate = 0.25}).name(), "uniform(0.25)");
}

TEST(uniform, refuses_what_cannot_be) {
  const std::vector<layer_size> layers{{8, 0}, {8, 5}};
  EXPECT_EQ((uniform{.rate = 0.25, .keep_at_least = 1}).removals(layers), (std::vector<index_t>{2, 2}));
  expect_says(message_of<setting_error>([&] { (uniform{.rate = 0.25, .keep_at_least = 2}).removals(layers); }),
              {"uniform: rate", "at most 1 of the 8 experts of layer 1", "got 2 at rate 0.25"});
  expect_says(message_of<setting_error>([&] { (uniform{.rate = 0.99}).removals(layers); }), {"layer 0", "got 8"});
  for (const double rate : {-0.1, 1.0, 25.0, std::numeric_limits<double>::quiet_NaN()}) {
    expect_says(message_of<setting_error>([&] { uniform{.rate = rate}.removals(layers); }),
                {"uniform: rate", "less than 1", "25 % is 0.25"});
  }
  expect_says(message_of<setting_error>([&] { (uniform{.rate = 0.1, .keep_at_least = -1}).removals(layers); }),
              {"keep_at_least", "-1"});
}

TEST(by_level, rates_follow_the_formula) {
  const by_level rule{.rate = 0.5, .levels = {0, 1, 5}, .lambda = 0.2};
  const std::vector<double> rates = rule.raw_rates();  // mean 2, spread 5
  EXPECT_NEAR(rates[0], 0.5 + 0.2 * 2 / 5, 1e-15);
  EXPECT_NEAR(rates[1], 0.5 + 0.2 * 1 / 5, 1e-15);
  EXPECT_NEAR(rates[2], 0.5 - 0.2 * 3 / 5, 1e-15);
  by_level turned = rule;
  turned.meaning = level_meaning::high_removes_more;
  EXPECT_NEAR(turned.raw_rates()[2], 0.5 + 0.2 * 3 / 5, 1e-15);
  EXPECT_EQ(rule.removals(layers_of(50, 3)), (std::vector<index_t>{29, 27, 19}));
}

TEST(by_level, equal_levels_are_uniform) {
  EXPECT_EQ((by_level{.rate = 0.25, .levels = {3, 3, 3}}).removals(layers_of(48, 3)),
            (uniform{.rate = 0.25}).removals(layers_of(48, 3)));
  EXPECT_EQ((by_level{.rate = 0.25, .levels = {3, 3, 3}}).removals(layers_of(10, 3)), (std::vector<index_t>{3, 3, 2}))
      << "8 = floor(0.25 * 30 + 1/2)";
  EXPECT_EQ(
      (by_level{.rate = 0.25, .levels = {3, 3, 3}, .total = total_rounding::each_layer}).removals(layers_of(10, 3)),
      (std::vector<index_t>{3, 3, 3}));
}

TEST(by_level, total_is_exact_within_the_bounds) {
  random_source random{31};
  for (index_t round = 0; round < 400; ++round) {
    by_level rule{.rate = 0.6 * random.uniform(), .lambda = random.uniform()};
    if (random.below(2) == 0) rule.meaning = level_meaning::high_removes_more;
    std::vector<layer_size> layers;
    index_t experts = 0;
    for (index_t layer = 1 + random.below(10); layer > 0; --layer) {
      layers.push_back({.experts = 5 + random.below(60), .shared = random.below(2)});
      experts += layers.back().experts;
      rule.levels.push_back(random.normal());
    }
    const std::vector<index_t> once = rule.removals(layers);
    EXPECT_EQ(sum(once), rounded_share(rule.rate, experts));
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
      ASSERT_GE(once[layer], 0);
      ASSERT_LE(once[layer], most_removable(layers[layer], 1));
    }
    rule.total = total_rounding::each_layer;
    EXPECT_EQ(sum(rule.removals(layers)), sum(uniform{.rate = rule.rate}.removals(layers)));

    by_level mirrored = rule;  // the other meaning of the negated levels is the same
    for (double& level : mirrored.levels) level = -level;
    mirrored.meaning = rule.meaning == level_meaning::high_removes_more ? level_meaning::high_removes_less
                                                                        : level_meaning::high_removes_more;
    EXPECT_EQ(mirrored.removals(layers), rule.removals(layers));
  }
}

TEST(by_level, higher_levels_never_lose_more) {
  random_source random{32};
  for (index_t round = 0; round < 200; ++round) {
    by_level rule{.rate = random.uniform() * 0.9, .lambda = random.uniform()};
    for (index_t layer = 2 + random.below(8); layer > 0; --layer) rule.levels.push_back(random.uniform());
    const std::vector<index_t> removed = rule.removals(layers_of(40, length(rule.levels)));
    for (std::size_t a = 0; a < removed.size(); ++a) {
      for (std::size_t b = 0; b < removed.size(); ++b) {
        if (rule.levels[a] > rule.levels[b]) {
          ASSERT_LE(removed[a], removed[b]);
        }
      }
    }
  }
}

TEST(by_level, refuses_what_cannot_be) {
  const std::vector<layer_size> layers = layers_of(8, 2);
  const auto refusal = [&](by_level rule) { return message_of<setting_error>([&] { rule.removals(layers); }); };
  expect_says(message_of<shape_error>([&] { (by_level{.rate = 0.1, .levels = {1}}).removals(layers); }),
              {"by_level: levels", "2 numbers", "got 1"});
  expect_says(refusal({.rate = 0.1, .levels = {1, std::numeric_limits<double>::quiet_NaN()}}),
              {"by_level: levels", "nan", "layer 1"});
  expect_says(refusal({.rate = 0.1, .levels = {1, 2}, .lambda = -1}), {"by_level: lambda", "-1"});
  expect_says(refusal({.rate = 0.1, .levels = {1, 2}, .lambda = 1.5}), {"by_level: lambda", "1.5"});
  expect_says(refusal({.rate = 1, .levels = {1, 2}}), {"by_level: rate", "less than 1"});
  expect_says(refusal({.rate = 0.75, .levels = {1, 2}, .keep_at_least = 3}),
              {"by_level: rate", "at most 10 of 16 experts", "3 kept in each of 2 layers", "got 12 at rate 0.75"});
  EXPECT_EQ(sum((by_level{.rate = 0.625, .levels = {1, 2}, .keep_at_least = 3}).removals(layers)), 10);
}

}  // namespace
}  // namespace fissile
