// MoEfication's graph against plain code of its steps, and the experts that come of it.
#include <fissile/partition/coactivation_graph.hpp>
#include <fissile/partition/shuffled.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

#include <limits>

namespace fissile {
namespace {

using testing::refusal;

/// Symmetric, with about `zeros` of the pairs never together.
std::vector<double> random_weights(random_source& random, index_t neurons, double zeros) {
  std::vector<double> weights(to_size(neurons * neurons), 0.0);
  for (index_t a = 0; a < neurons; ++a) {
    for (index_t b = 0; b <= a; ++b) {
      const double weight = random.uniform() < zeros ? 0.0 : std::exp(2 * random.normal());
      weights[to_size(a * neurons + b)] = weights[to_size(b * neurons + a)] = weight;
    }
  }
  return weights;
}

/// numpy.percentile: sorted, straight between neighbours.
double plain_percentile(std::vector<double> numbers, double percent) {
  std::sort(numbers.begin(), numbers.end());
  const double at = percent / 100 * static_cast<double>(numbers.size() - 1);
  const auto low = static_cast<std::size_t>(std::floor(at)), high = static_cast<std::size_t>(std::ceil(at));
  return numbers[low] * (1 - (at - static_cast<double>(low))) + numbers[high] * (at - static_cast<double>(low));
}

TEST(coactivation_graph, has_the_edges_of_the_paper) {
  random_source random{1};
  for (int trial = 0; trial < 40; ++trial) {
    const index_t neurons = 2 + random.below(30);
    const std::vector<double> weights = random_weights(random, neurons, random.uniform());
    double threshold = 0;
    for (int percent = 10; threshold == 0 && percent < 110; percent += 10) {
      threshold = plain_percentile(weights, percent);
    }
    const coactivation_edges edges({weights.data(), neurons, neurons});
    ASSERT_NEAR(edges.threshold(), threshold, 1e-12 * threshold);
    for (index_t a = 0; a < neurons; ++a) {
      for (index_t b = 0; b < neurons; ++b) {
        const double ratio = threshold > 0 ? weights[to_size(a * neurons + b)] / (threshold * 0.99) : 0;
        if (std::abs(ratio - std::round(ratio)) < 1e-9 && ratio > 0.5) continue;  // either whole number is right
        const std::int64_t expected = a == b || ratio < 1 ? 0 : static_cast<std::int64_t>(ratio);
        ASSERT_EQ(edges(a, b), expected);
      }
    }
  }
}

TEST(coactivation_graph, finds_groups_that_work_together) {
  random_source random{2};
  for (int trial = 0; trial < 10; ++trial) {
    const index_t groups = 2 + random.below(4), neurons = groups * 6;
    std::vector<index_t> planted(to_size(neurons));
    for (index_t j = 0; j < neurons; ++j) planted[to_size(j)] = j % groups;
    shuffle(planted, random);
    std::vector<double> weights = random_weights(random, neurons, 0.2);
    for (index_t a = 0; a < neurons; ++a) {
      for (index_t b = 0; b < neurons; ++b) {
        double& weight = weights[to_size(a * neurons + b)];
        weight = std::min(weight, 5.0);
        if (planted[to_size(a)] == planted[to_size(b)]) weight += 50;
      }
    }
    const coactivation_graph policy{.weights = {weights.data(), neurons, neurons}};
    const partition split = policy.split(groups);
    for (index_t e = 0; e < groups; ++e) {
      ASSERT_EQ(split.size(e), 6);
      for (index_t j : split.expert(e)) ASSERT_EQ(planted[to_size(j)], planted[to_size(split.expert(e)[0])]);
    }
  }
}

TEST(coactivation_graph, cuts_less_than_chance_does) {
  random_source random{3};
  for (int trial = 0; trial < 10; ++trial) {
    const index_t neurons = 40 + random.below(40);
    const std::vector<double> weights = random_weights(random, neurons, 0.5);
    const coactivation_edges edges({weights.data(), neurons, neurons});
    const partition split = coactivation_graph{.weights = {weights.data(), neurons, neurons}}.split(5);
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      ASSERT_LT(cut_of(edges, split), cut_of(edges, shuffled{.seed = seed}.split(neurons, 5)));
    }
  }
}

TEST(coactivation_graph, without_any_pair_is_even_still) {
  const std::vector<double> nothing(100, 0.0);
  const partition split = coactivation_graph{.weights = {nothing.data(), 10, 10}}.split(4);
  EXPECT_EQ(split.experts(), 4);
  EXPECT_EQ(split.largest(), 3);
  EXPECT_EQ(coactivation_edges({nothing.data(), 10, 10}).threshold(), 0);
}

TEST(coactivation_graph, refuses_what_cannot_be) {
  random_source random{4};
  std::vector<double> weights = random_weights(random, 4, 0);
  const coactivation_graph policy{.weights = {weights.data(), 4, 4}};
  EXPECT_EQ(refusal<setting_error>([&] { policy.split(5); }),
            "coactivation_graph: experts: expected from 1 to 4, the number of neurons, got 5");
  const auto ffn = testing::random_ffn<float>(random, {.width = 2, .neurons = 5});
  EXPECT_EQ(refusal<shape_error>([&] { policy.split(ffn.view(), 2); }),
            "coactivation_graph: weights: expected [5 x 5], got [4 x 4]");
  EXPECT_EQ(refusal<setting_error>([&] {
              coactivation_graph{.weights = {weights.data(), 4, 4}, .slack = 0}.split(2);
            }),
            "coactivation_graph: slack: expected above 0, got 0.000000");
  EXPECT_EQ(refusal<setting_error>([&] {
              coactivation_graph{.weights = {weights.data(), 2, 4}}.split(2);
            }),
            "coactivation_graph: weights: expected a square matrix, got [2 x 4]; weights()(a, b) is how often neurons "
            "a and b work together");
  weights[6] += 1;
  EXPECT_EQ(refusal<setting_error>([&] { policy.split(2); }).substr(0, 80),
            "coactivation_graph: weights: expected a symmetric matrix, got neurons 1 and 2; w");
  for (const double odd : {-1.0, std::numeric_limits<double>::quiet_NaN()}) {
    weights[6] = weights[9] = odd;
    EXPECT_EQ(refusal<setting_error>([&] { policy.split(2); }).substr(0, 91),
              "coactivation_graph: weights: expected finite numbers, none below 0, got neurons 1 and 2; we");
  }
}

}  // namespace
}  // namespace fissile
