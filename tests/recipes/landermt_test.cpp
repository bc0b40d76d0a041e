// LANDeRMT's rules next to plain reference code: the split is the ancestor's to the tie, layers and top neurons by
// hand.
#include <fissile/base/random.hpp>
#include <fissile/recipes/landermt.hpp>

#include <gtest/gtest.h>

#include <limits>

#include "base/refusal.hpp"

namespace fissile {
namespace landermt_tests {

using landermt::choices;
using testing::refusal;

/// The ancestor's rule as its code does it: sort by the sum, cut, then compare every other neuron pair by pair.
landermt::neuron_groups plain_groups(const std::vector<std::vector<double>>& theta) {
  const std::size_t neurons = theta.front().size();
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t j = 0; j < neurons; ++j) {
    double sum = 0;
    for (const auto& of_pair : theta) sum += of_pair[j];
    order.emplace_back(-sum, j);  // ties: the lower neuron first
  }
  std::sort(order.begin(), order.end());
  const auto count = static_cast<std::size_t>(0.7 * static_cast<double>(neurons));
  std::vector<char> is_general(neurons, 0);
  for (std::size_t i = 0; i < count; ++i) is_general[order[i].second] = 1;
  landermt::neuron_groups made;
  made.specific.resize(theta.size());
  for (std::size_t j = 0; j < neurons; ++j) {
    if (is_general[j] != 0) made.general.push_back(static_cast<index_t>(j));
    for (std::size_t m = 0; is_general[j] == 0 && m < theta.size(); ++m) {
      bool above = true;
      for (const auto& other : theta) above = above && theta[m][j] > 0.9 * other[j];
      if (above) made.specific[m].push_back(static_cast<index_t>(j));
    }
  }
  return made;
}

TEST(landermt, the_split_is_the_ancestors_rule_ties_included) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    random_source random{seed};
    const index_t pairs = 1 + random.below(5), neurons = 1 + random.below(60);
    std::vector<std::vector<double>> theta(to_size(pairs), std::vector<double>(to_size(neurons)));
    std::vector<double> flat;
    for (auto& row : theta) {
      for (double& one : row) flat.push_back(one = static_cast<double>(random.below(seed % 2 == 0 ? 11 : 1000)));
    }
    const auto found = landermt::groups_of({flat.data(), pairs, neurons}, choices{});
    EXPECT_EQ(found, plain_groups(theta)) << seed;
    std::vector<char> times(to_size(neurons), 0);
    for (const index_t j : found.general) ++times[to_size(j)];
    for (index_t pair = 0; pair < pairs; ++pair) {
      const auto both = landermt::learning(found, pair);
      EXPECT_TRUE(std::is_sorted(both.begin(), both.end()));
      EXPECT_EQ(both.size(), found.general.size() + found.specific[to_size(pair)].size());
      EXPECT_EQ(landermt::mask(found, pair, neurons).count(), length(both));
      const auto served = landermt::branches(found, pair, neurons);
      EXPECT_EQ(std::count(served.begin(), served.end(), branch::specific), length(found.specific[to_size(pair)]));
      EXPECT_EQ(std::count(served.begin(), served.end(), branch::general), length(found.general));
    }
  }
}

TEST(landermt, nine_tenths_of_the_largest_are_not_above_it) {
  const std::vector<double> theta{10, 9,    0, 0,  // neuron 1: the second pair's 10 is the largest, 9 is not above 9
                                  10, 10,   0, 0,  // neurons 2 and 3: nobody is aware of them, nobody owns them
                                  10, 9.01, 0, 0};
  const auto found = landermt::groups_of({theta.data(), 3, 4}, {.general = 0.25});
  EXPECT_EQ(found.general, (std::vector<index_t>{0}));
  EXPECT_EQ(found.specific, (std::vector<std::vector<index_t>>{{}, {1}, {1}}));
}

TEST(landermt, layers_of_the_largest_change_are_relevant) {
  EXPECT_EQ(landermt::layer_changes({1, 4, 3, 3, 5}), (std::vector<double>{-3, 1, 0, -2}));
  EXPECT_EQ(landermt::relevant_layers({-3, 1, 0, -2}, {.layers = 2}), (std::vector<index_t>{0, 3}));
  EXPECT_EQ(landermt::relevant_layers({1, -1, 1}, {.layers = 2}), (std::vector<index_t>{0, 1}));
  EXPECT_EQ(landermt::relevant_layers({1, 2}, {.layers = 9}), (std::vector<index_t>{0, 1}));
  const std::vector<double> hidden{3, -4, 0, 0};
  const matrix_view<const double> numbers{hidden.data(), 2, 2};
  EXPECT_EQ(landermt::activity_of(numbers, {}), 1.75);
  EXPECT_EQ(landermt::activity_of(numbers, {.activity = landermt::activity::root_mean_square}), 2.5);
  EXPECT_EQ(landermt::activity_of(matrix_view<const double>{}, {}), 0);
}

TEST(landermt, top_neurons_are_the_siblings_rule) {
  const std::vector<double> theta{1, 5, 5, 0, 7, 5, 2, 2, 2, 2, 2};
  EXPECT_EQ(landermt::top_neurons(theta, {.top = 0.2}), (std::vector<index_t>{1, 4}));
  EXPECT_EQ(landermt::top_neurons(theta, {}), (std::vector<index_t>{4}));
  EXPECT_EQ(jaccard(landermt::top_neurons(theta, {.top = 0.2}), {4, 5}), 1.0 / 3);
}

TEST(landermt, refuses_what_cannot_be) {
  const std::vector<double> theta{1, 2}, broken{1, std::numeric_limits<double>::quiet_NaN()};
  EXPECT_EQ(refusal<setting_error>([&] {
              landermt::groups_of({theta.data(), 1, 2}, {.general = 1.5});
            }),
            "landermt: general: expected from 0 to 1, got 1.500000");
  EXPECT_EQ(refusal<setting_error>([&] {
              landermt::groups_of({theta.data(), 1, 2}, {.owned = -1});
            }),
            "landermt: owned: expected from 0 to 1, got -1.000000");
  EXPECT_EQ(refusal<setting_error>([&] { landermt::top_neurons(broken, {}); }),
            "landermt: scores: expected numbers, got a NaN");
  EXPECT_EQ(refusal<setting_error>([&] { landermt::relevant_layers(theta, {.layers = 0}); }),
            "landermt: layers: expected at least 1, got 0");
}

}  // namespace landermt_tests
TEST(landermt, neurons_that_are_not_there_are_refused) {
  const landermt::neuron_groups groups{.general = {100}, .specific = {{200}}};
  EXPECT_THROW(landermt::branches(groups, 0, 16), setting_error);
  EXPECT_THROW(landermt::mask(groups, 0, 16), setting_error);
}

TEST(landermt, the_activity_of_no_token_is_0) {
  const std::vector<double> numbers(4);
  EXPECT_EQ(landermt::activity_of(matrix_view<const double>{numbers.data(), 0, 4}, {}), 0);
}

}  // namespace fissile
