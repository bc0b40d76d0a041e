// LAPE against the lines of its official code, written down again in plain loops.
#include <fissile/detect/language_neurons.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace fissile {
namespace {

/// Rates with many equals and neurons that never fire; layers may differ in size.
firing_rates random_rates(random_source& random, index_t languages, const std::vector<index_t>& neurons) {
  std::vector<std::string> labels;
  for (index_t l = 0; l < languages; ++l) labels.push_back("language " + std::to_string(l));
  firing_rates rates{neurons, {.labels = labels, .layers = length(neurons)}};
  const index_t coarse = random.below(2);
  for (index_t l = 0; l < languages; ++l) {
    const index_t tokens = 50 + random.below(2000);
    for (index_t layer = 0; layer < length(neurons); ++layer) {
      layer_firing cell = rates.of(l, layer);
      cell.tokens = static_cast<std::uint64_t>(coarse != 0 ? 8 : tokens);
      for (std::uint64_t& fires : cell.fires) {
        const double rate = random.below(6) == 0 ? 0 : std::pow(random.uniform(), 4);
        fires = static_cast<std::uint64_t>(rate * static_cast<double>(cell.tokens));
      }
      rates.set(l, layer, cell);
    }
  }
  return rates;
}

struct plain_neuron {
  index_t layer, neuron;
  std::vector<double> p;
  double entropy;
};

/// Steps of the code: probabilities, entropy, bar by kthvalue, infinite entropy for those below it, topk of the
/// smallest, torch.where(selected > bar).
struct plain_lape {
  std::vector<plain_neuron> all;
  double bar = 0;
  std::vector<plain_neuron> taken;

  plain_lape(const firing_rates& rates, double share, double filter) {
    std::vector<double> flat;
    for (index_t layer = 0; layer < rates.layers(); ++layer) {
      for (index_t j = 0; j < rates.neurons(layer); ++j) {
        plain_neuron one{layer, j, {}, 0};
        for (index_t l = 0; l < length(rates.labels()); ++l) {
          one.p.push_back(static_cast<double>(rates.fires(l, layer, j)) / static_cast<double>(rates.tokens(l, layer)));
        }
        const double sum = std::accumulate(one.p.begin(), one.p.end(), 0.0);
        for (const double p : one.p) {
          const double q = std::isnan(p / sum) ? 0 : p / sum;
          one.entropy -= q * (q > 0 ? std::log(q) : 0);
          flat.push_back(p);
        }
        all.push_back(one);
      }
    }
    std::sort(flat.begin(), flat.end());
    const auto k = std::lrint(static_cast<double>(flat.size()) * filter);  // Python's round: halves to even
    bar = flat[static_cast<std::size_t>(std::max(k, 1L) - 1)];             // kthvalue counts from 1
    std::vector<plain_neuron> sorted = all;
    for (plain_neuron& one : sorted) {
      if (*std::max_element(one.p.begin(), one.p.end()) <= bar) one.entropy = HUGE_VAL;
    }
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.entropy < b.entropy; });
    sorted.resize(static_cast<std::size_t>(std::lrint(static_cast<double>(all.size()) * share)));
    for (const plain_neuron& one : sorted) {
      if (one.entropy < HUGE_VAL) taken.push_back(one);
    }
  }
};

TEST(lape, finds_what_its_code_finds) {
  random_source random{1};
  index_t bounded_by_share = 0, bounded_by_bar = 0;
  for (int trial = 0; trial < 120; ++trial) {
    const index_t languages = 1 + random.below(7);
    const std::vector<index_t> neurons{1 + random.below(60), 1 + random.below(60), 30};
    const firing_rates rates = random_rates(random, languages, neurons);
    const lape rule = trial % 2 == 0 ? lape{.share = 0.01 + 0.1 * random.uniform()} : lape{.share = 0.5, .bar = 0.99};
    const plain_lape expected{rates, rule.share, rule.bar};
    const language_neurons got = rule.find(rates);
    EXPECT_EQ(got.bar, expected.bar);
    EXPECT_EQ(got.labels, rates.labels());
    ASSERT_EQ(got.found.size(), expected.taken.size());
    const auto most = static_cast<std::size_t>(std::lrint(static_cast<double>(expected.all.size()) * rule.share));
    (got.found.size() == most ? bounded_by_share : bounded_by_bar) += 1;
    for (std::size_t i = 0; i < got.found.size(); ++i) {
      EXPECT_EQ(got.found[i].layer, expected.taken[i].layer);
      EXPECT_EQ(got.found[i].neuron, expected.taken[i].neuron);
      EXPECT_NEAR(got.found[i].entropy, expected.taken[i].entropy, 1e-12);
      std::vector<index_t> labels;
      for (index_t l = 0; l < languages; ++l) {
        if (expected.taken[i].p[to_size(l)] > expected.bar) labels.push_back(l);
      }
      EXPECT_EQ(got.found[i].labels, labels);
      EXPECT_FALSE(labels.empty());
    }
  }
  EXPECT_GT(bounded_by_share, 20);
  EXPECT_GT(bounded_by_bar, 20);
}

TEST(lape, entropy_lies_between_one_language_and_all) {
  EXPECT_EQ(lape::entropy_of({0, 0.3, 0}), 0);
  EXPECT_EQ(lape::entropy_of({0, 0, 0}), 0) << "a neuron that never fires; the bar keeps it out";
  EXPECT_NEAR(lape::entropy_of({0.2, 0.2, 0.2, 0.2}), std::log(4), 1e-15);
  random_source random{2};
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<double> p(to_size(1 + random.below(8)));
    for (double& rate : p) rate = random.uniform();
    EXPECT_GE(lape::entropy_of(p), -1e-15);
    EXPECT_LE(lape::entropy_of(p), std::log(static_cast<double>(p.size())) + 1e-14);
  }
}

/// One layer, 3 languages, 100 neurons that fire alike but for a few.
TEST(lape, takes_neurons_of_a_language_and_not_those_that_hardly_fire) {
  firing_rates rates{{100}, {.labels = {"en", "de", "ja"}}};
  for (index_t l = 0; l < 3; ++l) {
    layer_firing cell = rates.of(l, 0);
    cell.tokens = 1000;
    for (index_t j = 0; j < 100; ++j) cell.fires[to_size(j)] = static_cast<std::uint64_t>(100 + j);
    cell.fires[10] = l == 2 ? 900 : 0;  // Japanese alone
    cell.fires[20] = l == 0 ? 1 : 0;    // English alone, and hardly: entropy 0, but below the bar
    cell.fires[30] = l == 1 ? 20 : 800;
    rates.set(l, 0, cell);
  }
  const language_neurons got = lape{.share = 0.02}.find(rates);
  ASSERT_EQ(got.found.size(), 2u);
  EXPECT_EQ(got.found[0], (language_neuron{0, 10, 0, {2}}));
  EXPECT_EQ(got.found[1].neuron, 30);
  EXPECT_EQ(got.found[1].labels, (std::vector<index_t>{0, 2})) << "a neuron may have several languages";
  EXPECT_EQ(got.of("ja", 1), (std::vector<std::vector<index_t>>{{10, 30}}));
  EXPECT_EQ(got.of("en", 1), (std::vector<std::vector<index_t>>{{30}}));
  EXPECT_EQ(got.of("de", 2), (std::vector<std::vector<index_t>>{{}, {}}));
  EXPECT_EQ(lape{}.find(rates).found.size(), 1u) << "1 per cent of all neurons";
  EXPECT_TRUE(lape{.share = 0}.find(rates).found.empty());
}

TEST(lape, leaves_equals_to_the_lower_neuron) {
  firing_rates rates{{30, 30}, {.labels = {"en", "de"}, .layers = 2}};
  for (index_t layer = 0; layer < 2; ++layer) {
    layer_firing cell = rates.of(0, layer);
    cell.tokens = 10;
    cell.fires[7] = cell.fires[4] = 9;
    rates.set(0, layer, cell);
  }
  const language_neurons got = lape{.share = 0.05}.find(rates);  // 3 of 60
  ASSERT_EQ(got.found.size(), 3u);
  EXPECT_EQ(got.found[0], (language_neuron{0, 4, 0, {0}}));
  EXPECT_EQ(got.found[1], (language_neuron{0, 7, 0, {0}}));
  EXPECT_EQ(got.found[2], (language_neuron{1, 4, 0, {0}}));
}

TEST(lape, refuses_what_is_no_share) {
  const firing_rates rates{{3}, {.labels = {"en"}}};
  EXPECT_EQ(testing::refusal<setting_error>([&] { lape{.share = 2}.find(rates); }),
            "lape: share, bar: expected shares from 0 to 1, got 2.000000, 0.950000");
  EXPECT_THROW(lape{.bar = -1}.find(rates), setting_error);
  EXPECT_TRUE(lape{.share = 1}.find(rates).found.empty()) << "nothing was counted";
}

}  // namespace
}  // namespace fissile
