// The method of "Unraveling Babel" as its formulas say, next to plain loops written from them.
#include <fissile/partition/even_slices.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/recipes/babel.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "base/refusal.hpp"
#include "count/random_counts.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace babel_tests {

using testing::refusal;

/// (b, c) in double, straight from the weights: g_e = sum over j in E_e of |silu(gate_j . x) * (up_j . x)|
std::vector<double> plain_scores(const ffn_weights<float>& ffn, const partition& split, vector_view<const float> x) {
  std::vector<double> scores;
  for (index_t e = 0; e < split.experts(); ++e) {
    double score = 0;
    for (const index_t j : split.expert(e)) {
      double g = 0, u = 0;
      for (index_t i = 0; i < ffn.width(); ++i) {
        if (ffn.gated()) g += static_cast<double>(ffn.gate(j, i)) * static_cast<double>(x[i]);
        u += static_cast<double>(ffn.up(j, i)) * static_cast<double>(x[i]);
      }
      score += std::abs(ffn.gated() ? g / (1 + std::exp(-g)) * u : u / (1 + std::exp(-u)));
    }
    scores.push_back(score);
  }
  return scores;
}

expert_set random_candidates(random_source& random, index_t experts) {
  std::vector<index_t> order = ascending(experts);
  shuffle(order, random);
  order.resize(to_size(1 + random.below(experts)));
  std::sort(order.begin(), order.end());
  return order;
}

TEST(babel, sizes_and_shares_round_to_the_nearest) {
  EXPECT_EQ(babel::experts_of(768, {.expert_neurons = 16}), 48);
  EXPECT_EQ(babel::experts_of(10, {.expert_neurons = 4}), 3);  // 2.5: halves go up
  EXPECT_EQ(babel::experts_of(9, {.expert_neurons = 4}), 2);
  EXPECT_EQ(babel::experts_of(3, {.expert_neurons = 100}), 1);
  EXPECT_EQ(babel::active_of(48, {.active = 0.25}), 12);
  EXPECT_EQ(babel::active_of(6, {.active = 0.25}), 2);  // 1.5
  EXPECT_EQ(babel::active_of(48, {.active = 0}), 1) << "at least one works";
  EXPECT_NE(refusal<setting_error>([] { babel::experts_of(8, {.expert_neurons = 0}); }).find("expert_neurons"),
            std::string::npos);
  EXPECT_THROW(babel::active_of(8, {.active = 1.5}), setting_error);
  EXPECT_THROW(babel::active_of(8, {.active = std::nan("")}), setting_error);
}

TEST(babel, every_layer_is_split_by_its_own_number_of_neurons) {
  random_source random{1};
  const auto wide = testing::random_ffn<float>(random, {.width = 4, .neurons = 40});
  const auto slim = testing::random_ffn<float>(random, {.width = 4, .neurons = 12});
  const babel::choices chosen{.expert_neurons = 8};
  const auto layers = babel::split<float>({wide.view(), slim.view()}, shuffled{.seed = 2}, chosen);
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0], shuffled{.seed = 2}.split(40, 5));
  EXPECT_EQ(layers[1], shuffled{.seed = 2}.split(12, 2));
}

TEST(babel, the_gate_takes_the_best_of_the_candidates_and_no_other) {
  random_source random{2};
  for (int round = 0; round < 60; ++round) {
    const testing::layer_shape shape{.width = 1 + random.below(20), .neurons = 4 + random.below(60)};
    const auto ffn = testing::random_ffn<float>(random, shape);
    const babel::choices chosen{.expert_neurons = 1 + random.below(6), .active = random.uniform()};
    const partition split = babel::split<float>({ffn.view()}, shuffled{.seed = random.bits()}, chosen)[0];
    const expert_set candidates =
        round % 4 == 0 ? ascending(split.experts()) : random_candidates(random, split.experts());
    const auto choose = babel::gate(oracle_scorer{borrow(ffn.view(), split), silu{}}, chosen, candidates);
    const sparse_ffn run{borrow(ffn.view(), split), silu{}};
    workspace work{run, {.batch = 7}};
    const auto x = testing::random_numbers<float>(random, 7 * shape.width);
    choose({x.data(), 7, shape.width}, work);
    const index_t wanted = std::min(babel::active_of(split.experts(), chosen), length(candidates));
    for (index_t token = 0; token < 7; ++token) {
      const auto scores = plain_scores(ffn.view(), split, {x.data() + token * shape.width, shape.width});
      std::set<index_t> working;
      double lowest = std::numeric_limits<double>::infinity(), largest = 0;
      for (const choice& c : work.routes()[token]) {
        EXPECT_EQ(c.weight, 1.0f);
        EXPECT_TRUE(std::binary_search(candidates.begin(), candidates.end(), c.expert));
        working.insert(c.expert);
        lowest = std::min(lowest, scores[to_size(c.expert)]);
      }
      for (const double score : scores) largest = std::max(largest, score);
      EXPECT_EQ(length(working), wanted);
      for (const index_t e : candidates) {
        if (working.count(e) == 0) {
          EXPECT_LE(scores[to_size(e)], lowest + 1e-5 * largest);
        }
      }
    }
  }
}

TEST(babel, uses_sum_to_the_sizes_of_the_routes) {
  random_source random{3};
  for (int round = 0; round < 20; ++round) {
    const auto ffn = testing::random_ffn<float>(random, {.width = 9, .neurons = 50});
    const babel::choices chosen{.expert_neurons = 1 + random.below(9), .active = random.uniform()};
    const auto layers = babel::split<float>({ffn.view()}, even_slices{}, chosen);
    const sparse_ffn run{borrow(ffn.view(), layers[0]), silu{}};
    const auto choose = babel::gate(oracle_scorer{borrow(ffn.view(), layers[0]), silu{}}, chosen);
    activation_counts counts{layers, {.labels = {"a", "b"}, .layers = 1}};
    workspace work{run, {.batch = 30}};
    std::uint64_t sizes = 0;
    for (const index_t label : {0, 1, 1}) {
      const auto x = testing::random_numbers<float>(random, 30 * 9);
      std::vector<float> out(x.size());
      choose({x.data(), 30, 9}, work);
      run({x.data(), 30, 9}, work, {out.data(), 30, 9}, counts.at(label, 0));
      if (label == 1) {
        for (const route& one : work.routes()) sizes += static_cast<std::uint64_t>(one.length());
      }
    }
    const layer_counts& of = counts.of("b", 0);
    EXPECT_EQ(of.tokens, 60u);
    EXPECT_EQ(std::accumulate(of.uses.begin(), of.uses.end(), std::uint64_t{0}), sizes);
    EXPECT_EQ(sizes, 60u * static_cast<std::uint64_t>(babel::active_of(layers[0].experts(), chosen)));
  }
}

TEST(babel, sets_are_what_their_names_say) {
  random_source random{4};
  bool shared = false, alone = false;
  for (int round = 0; round < 80; ++round) {
    const std::vector<std::string> labels{"a", "b", "c"};
    const auto counts = testing::random_counts(random, testing::random_splits(random, 1), labels);
    const auto check = [&](const auto& rule) {
      const babel::language_sets found = babel::sets(counts, 0, rule);
      std::map<index_t, int> times;  // in how many H an expert is
      for (index_t label = 0; label < 3; ++label) {
        EXPECT_EQ(found.frequent[to_size(label)], rule(counts.of(label, 0)));
        for (const index_t e : found.frequent[to_size(label)]) ++times[e];
      }
      expert_set in_all;
      for (const auto& [e, in] : times) {
        if (in == 3) in_all.push_back(e);
      }
      EXPECT_EQ(found.shared, in_all);
      shared = shared || !in_all.empty();
      for (index_t label = 0; label < 3; ++label) {
        expert_set in_one;
        for (const index_t e : found.frequent[to_size(label)]) {
          if (times[e] == 1) in_one.push_back(e);
        }
        EXPECT_EQ(found.only[to_size(label)], in_one);
        alone = alone || !in_one.empty();
      }
    };
    check(most_frequent{.share = random.uniform()});
    check(frequency_at_least{.threshold = random.uniform() * 0.5});
  }
  EXPECT_TRUE(shared && alone);
}

/// By its definition over the frequencies themselves: H(mean) - (H(p) + H(q)) / 2 in bits.
double plain_divergence(const layer_counts& a, const layer_counts& b) {
  double sum_a = 0, sum_b = 0;
  for (index_t e = 0; e < a.experts(); ++e) {
    sum_a += a.frequency(e);
    sum_b += b.frequency(e);
  }
  const auto term = [](double p) { return p > 0 ? -p * std::log2(p) : 0.0; };
  double divergence = 0;
  for (index_t e = 0; e < a.experts(); ++e) {
    const double p = a.frequency(e) / sum_a, q = b.frequency(e) / sum_b;
    divergence += term((p + q) / 2) - (term(p) + term(q)) / 2;
  }
  return divergence;
}

TEST(babel, distances_are_means_over_layers_within_their_bounds) {
  random_source random{5};
  const babel::choices chosen{.frequent = 0.4};
  for (int round = 0; round < 30; ++round) {
    const index_t layers = 1 + random.below(4), experts = 4 + random.below(12);
    activation_counts counts{even_slices{}.split(experts * 2, experts), {.labels = {"a", "b", "c"}, .layers = layers}};
    for (index_t label = 0; label < 3; ++label) {
      for (index_t layer = 0; layer < layers; ++layer) {
        for (int token = 0; token < 40; ++token) {
          route chosen_experts{experts};
          chosen_experts.append({random.below(experts), 1.0f});
          counts.at(label, layer).token(chosen_experts);
        }
      }
    }
    const auto divergence = babel::distances(counts, jensen_shannon);
    const auto cosines = babel::distances(counts, babel::cosine_distance);
    const auto sets = babel::distances(counts, babel::jaccard_distance(chosen));
    for (std::size_t a = 0; a < 3; ++a) {
      for (std::size_t b = 0; b < 3; ++b) {
        double mean = 0;
        for (index_t layer = 0; layer < layers; ++layer) {
          mean += plain_divergence(counts.of(a, layer), counts.of(b, layer)) / static_cast<double>(layers);
        }
        EXPECT_NEAR(divergence[a][b], mean, 1e-12);
        for (const auto* table : {&divergence, &cosines, &sets}) {
          EXPECT_EQ((*table)[a][b], (*table)[b][a]);
          EXPECT_GE((*table)[a][b], a == b ? -1e-12 : 0.0);
          EXPECT_LE((*table)[a][b], a == b ? 1e-12 : 1.0);
        }
      }
    }
    EXPECT_NO_THROW(static_cast<void>(average_linkage(divergence)));
  }
}

TEST(babel, the_least_frequent_go_and_as_many_at_random) {
  random_source random{6};
  for (int round = 0; round < 40; ++round) {
    const auto layers = std::vector<partition>{even_slices{}.split(24, 4 + random.below(9)),
                                               even_slices{}.split(24, 4 + random.below(9))};
    activation_counts counts = testing::random_counts(random, layers, {"a", "b"});
    for (index_t layer = 0; layer < 2; ++layer) {
      counts.at("a", layer).token(route{});  // a token at least
    }
    const babel::choices chosen{.given_up = 0.6 * random.uniform()};
    const verdict own = babel::by_frequency(counts, "a", babel::same_rate(chosen), layers);
    const verdict drawn = babel::at_random(7, babel::same_rate(chosen), layers);
    EXPECT_EQ(drawn, babel::at_random(7, babel::same_rate(chosen), layers));
    for (index_t layer = 0; layer < 2; ++layer) {
      const index_t goes = rounded_share(chosen.given_up, layers[to_size(layer)].experts());
      EXPECT_EQ(own.removed_count(layer), goes);
      EXPECT_EQ(drawn.removed_count(layer), goes);
      for (const index_t gone : own.removed(layer)) {
        for (const index_t kept : own.kept(layer)) {
          EXPECT_LE(counts.uses("a", layer, gone), counts.uses("a", layer, kept));
        }
      }
    }
  }
}

TEST(babel, what_is_removed_is_what_is_never_chosen) {
  random_source random{7};
  const auto ffn = testing::random_ffn<float>(random, {.width = 12, .neurons = 60});
  const babel::choices chosen{.expert_neurons = 5, .active = 1, .given_up = 0.4};  // rho 1: every candidate works
  const auto layers = babel::split<float>({ffn.view()}, shuffled{.seed = 1}, chosen);
  const verdict decided = babel::at_random(3, babel::same_rate(chosen), layers);
  const auto smaller = apply(ffn.view(), layers[0], decided, 0);
  const auto x = testing::random_numbers<float>(random, 6 * 12);
  const matrix_view<const float> tokens{x.data(), 6, 12};
  std::vector<float> restricted(x.size()), removed(x.size()), masked(x.size());
  const sparse_ffn run{borrow(ffn.view(), layers[0]), silu{}};
  workspace work{run, {.batch = 6}};
  babel::gate(oracle_scorer{borrow(ffn.view(), layers[0]), silu{}}, chosen, decided.kept(0))(tokens, work);
  run(tokens, work, {restricted.data(), 6, 12});
  dense_ffn(smaller.ffn.view(), silu{}, tokens, {removed.data(), 6, 12});
  auto zeroed = ffn;  // the mask, as a program without experts would do it
  for (const index_t e : decided.removed(0)) {
    for (const index_t j : layers[0].expert(e)) {
      for (index_t i = 0; i < 12; ++i) zeroed.down[to_size(i * 60 + j)] = 0;
    }
  }
  dense_ffn(zeroed.view(), silu{}, tokens, {masked.data(), 6, 12});
  EXPECT_EQ(smaller.ffn.neurons, 60 - 5 * 5);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(restricted[i], removed[i], 1e-5);
    EXPECT_NEAR(masked[i], removed[i], 1e-5);
  }
}

TEST(babel, layer_rates_keep_the_total_and_spare_the_active) {
  random_source random{8};
  bool moved = false;
  for (int round = 0; round < 100; ++round) {
    const index_t layers = 1 + random.below(6), experts = 8 + random.below(40);
    const babel::choices chosen{.given_up = 0.1 + 0.5 * random.uniform(), .lambda = 0.3 * random.uniform()};
    std::vector<double> levels;
    for (index_t layer = 0; layer < layers; ++layer) levels.push_back(random.uniform());
    const std::vector<layer_size> sizes(to_size(layers), layer_size{.experts = experts});
    const auto same = babel::same_rate(chosen).removals(sizes);
    const auto by_layer = babel::layer_rates(levels, chosen).removals(sizes);
    EXPECT_EQ(std::accumulate(by_layer.begin(), by_layer.end(), index_t{0}),
              std::accumulate(same.begin(), same.end(), index_t{0}));
    for (std::size_t a = 0; a < levels.size(); ++a) {
      EXPECT_GE(by_layer[a], 0);
      EXPECT_LT(by_layer[a], experts);
      for (std::size_t b = 0; b < levels.size(); ++b) {
        if (levels[a] < levels[b]) {
          EXPECT_GE(by_layer[a], by_layer[b]);
        }
      }
    }
    moved = moved || by_layer != same;
  }
  EXPECT_TRUE(moved);
}

TEST(babel, activity_is_the_share_of_experts_used_as_often_as_if_all_were_alike) {
  const activation_counts counts = testing::counts_of_labels(8, {{8, 2, 1, 2, 3}, {8, 0, 0, 0, 0}});
  EXPECT_EQ(babel::activity(counts, "a", {.active = 0.25}), std::vector<double>{0.8});
  EXPECT_EQ(babel::activity(counts, "b", {.active = 0.25}), std::vector<double>{0.2});
}

}  // namespace babel_tests
}  // namespace fissile
