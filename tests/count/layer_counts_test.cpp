#include <fissile/count/layer_counts.hpp>
#include <fissile/run/observer.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "count/random_counts.hpp"

#include <limits>

namespace fissile {
namespace {

static_assert(route_observer<layer_counts>);
static_assert(!hidden_observer<layer_counts>, "the hidden activations are not asked for, and so not paid for");

constexpr float infinite = std::numeric_limits<float>::infinity();
constexpr float undefined = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();

partition plain(index_t experts) {
  return partition{cut_evenly(ascending(experts), experts, "plain")};
}

layer_counts one_weight(float weight) {
  layer_counts counts{plain(2)};
  route chosen{2};
  chosen.append({1, weight});
  counts.token(chosen);
  return counts;
}

TEST(layer_counts, counts_what_a_second_count_by_hand_gives) {
  random_source random{1};
  for (int round = 0; round < 200; ++round) {
    const partition split = testing::random_split(random);
    layer_counts counts{split};
    const std::vector<route> routes = testing::random_routes(random, split.experts(), random.below(60));
    std::uint64_t chosen = 0, empty = 0, odd = 0, uses = 0;
    for (const route& r : routes) {
      counts.token(r);
      chosen += static_cast<std::uint64_t>(r.length());
      empty += r.empty();
      odd += static_cast<std::uint64_t>(r.undefined_scores);
    }
    for (index_t e = 0; e < split.experts(); ++e) {
      std::uint64_t seen = 0;
      double weight = 0;
      for (const route& r : routes) {
        for (const choice& c : r) {
          if (c.expert != e) continue;
          ++seen;
          weight += static_cast<double>(c.weight);
        }
      }
      EXPECT_EQ(counts.uses[to_size(e)], seen);
      EXPECT_EQ(counts.weight(e), weight) << "weights that are multiples of 2^-24 are summed without rounding";
      EXPECT_EQ(counts.is_shared(e), split.shared(e));
      EXPECT_DOUBLE_EQ(counts.frequency(e) * static_cast<double>(routes.size()), static_cast<double>(seen));
      uses += counts.uses[to_size(e)];
    }
    EXPECT_EQ(uses, chosen) << "the sum of uses is the sum of the routes' lengths";
    EXPECT_EQ(counts.tokens, routes.size());
    EXPECT_EQ(counts.empty_routes, empty);
    EXPECT_EQ(counts.undefined_scores, odd);
    EXPECT_EQ(counts.saturations, 0u);
    EXPECT_EQ(counts.contradiction(), "");
  }
}

TEST(layer_counts, no_tokens_have_frequency_0) {
  EXPECT_EQ(layer_counts{plain(3)}.frequency(2), 0.0);
}

TEST(layer_counts, weights_are_rounded_to_the_nearest_step) {
  EXPECT_EQ(one_weight(1.0f).weights[1], 1 << 24);
  EXPECT_EQ(one_weight(-0.25f).weights[1], -(1 << 22));
  EXPECT_EQ(one_weight(0x1p-25f).weights[1], 1) << "halves are rounded away from zero";
  EXPECT_EQ(one_weight(0x1.8p-26f).weights[1], 0);
  EXPECT_EQ(one_weight(0x1p38f).weights[1], std::int64_t{1} << 62);
  EXPECT_EQ(one_weight(0x1p38f).saturations, 0u);
  EXPECT_DOUBLE_EQ(one_weight(0.3f).weight(1), static_cast<double>(0.3f));
}

TEST(layer_counts, weights_that_do_not_fit_saturate_and_are_counted) {
  for (const float weight : {infinite, 0x1p39f, 3e38f}) {
    EXPECT_EQ(one_weight(weight).weights[1], most) << weight;
    EXPECT_EQ(one_weight(-weight).weights[1], least) << weight;
    EXPECT_EQ(one_weight(weight).saturations, 1u);
    EXPECT_EQ(one_weight(weight).uses[1], 1u);
  }
  EXPECT_EQ(one_weight(undefined).weights[1], 0);
  EXPECT_EQ(one_weight(undefined).saturations, 1u);
  layer_counts sum = one_weight(0x1p38f);
  sum.merge(one_weight(0x1p38f));
  EXPECT_EQ(sum.weights[1], most);
  EXPECT_EQ(sum.saturations, 1u);
  EXPECT_EQ(sum.uses[1], 2u);
  EXPECT_EQ(sum.contradiction(), "");
}

TEST(layer_counts, an_expert_that_is_not_there_breaks_the_contract) {
  layer_counts counts{plain(2)};
  route chosen{4};
  chosen.append({2, 1.0f});
  EXPECT_CONTRACT(counts.token(chosen));
  EXPECT_CONTRACT(counts.merge(layer_counts{plain(3)}));
  EXPECT_CONTRACT(counts.subtract(one_weight(1)));
}

TEST(layer_counts, merging_is_counting_in_one_go) {
  random_source random{2};
  for (int round = 0; round < 100; ++round) {
    const partition split = testing::random_split(random);
    layer_counts all{split}, first{split}, second{split}, third{split};
    for (const route& r : testing::random_routes(random, split.experts(), 50)) {
      all.token(r);
      layer_counts* parts[] = {&first, &second, &third};
      parts[random.below(3)]->token(r);
    }
    layer_counts left = first, right = third, other = second;
    left.merge(second);
    left.merge(third);
    right.merge(second);
    right.merge(first);
    other.merge(first);
    other.merge(third);
    EXPECT_EQ(left, all);
    EXPECT_EQ(right, all);
    EXPECT_EQ(other, all);
    ASSERT_TRUE(left.can_subtract(second));
    left.subtract(second);
    first.merge(third);
    EXPECT_EQ(left, first) << "subtract is the inverse of merge";
    layer_counts cleared = all;
    cleared.clear();
    EXPECT_EQ(cleared, layer_counts{split});
  }
}

TEST(layer_counts, sums_beyond_64_bits_are_seen) {
  layer_counts big{plain(2)};
  big.tokens = std::numeric_limits<std::uint64_t>::max();
  big.uses = {big.tokens, 1};
  EXPECT_EQ(big.contradiction(), "");
  EXPECT_FALSE(big.can_merge(one_weight(1)));
  EXPECT_TRUE(big.can_merge(layer_counts{plain(2)}));
  EXPECT_FALSE(big.can_merge(layer_counts{plain(3)}));
  EXPECT_FALSE(big.can_merge(layer_counts{partition{{{0}, {1}}, {0}}})) << "other experts are shared";
  for (std::uint64_t layer_counts::*sum :
       {&layer_counts::empty_routes, &layer_counts::undefined_scores, &layer_counts::saturations}) {
    layer_counts one{plain(2)}, many{plain(2)};
    one.*sum = 1;
    many.*sum = std::numeric_limits<std::uint64_t>::max();
    EXPECT_FALSE(many.can_merge(one));
    EXPECT_FALSE(layer_counts{plain(2)}.can_subtract(one));
  }
}

TEST(layer_counts, contradictions_are_told) {
  const layer_counts good = testing::counts_of(10, {4, 6});
  EXPECT_EQ(good.contradiction(), "");
  const auto broken = [&](auto&& change) {
    layer_counts counts = good;
    change(counts);
    return counts.contradiction();
  };
  EXPECT_EQ(layer_counts{}.contradiction(), "no experts");
  EXPECT_NE(broken([](layer_counts& c) { c.weights.pop_back(); }), "");
  EXPECT_NE(broken([](layer_counts& c) { c.shared.push_back(0); }), "");
  EXPECT_EQ(broken([](layer_counts& c) { c.uses[1] = 11; }), "expert 1 is used by more tokens than chose any expert");
  EXPECT_NE(broken([](layer_counts& c) { c.empty_routes = 5; }), "");
  EXPECT_EQ(broken([](layer_counts& c) { c.empty_routes = 11; }), "more empty routes than tokens");
  EXPECT_EQ(broken([](layer_counts& c) { c.uses[0] = 3; }), "fewer uses than tokens that chose an expert");
  EXPECT_EQ(broken([](layer_counts& c) {
              c.uses = {0, 10};
              c.weights[0] = 1;
            }),
            "expert 0 has weight but no uses");
  EXPECT_EQ(broken([](layer_counts& c) { c.undefined_scores = 20; }), "");
  EXPECT_NE(broken([](layer_counts& c) { c.undefined_scores = 21; }), "");
  EXPECT_NE(broken([](layer_counts& c) { c.undefined_scores = std::numeric_limits<std::uint64_t>::max(); }), "");
}

}  // namespace
}  // namespace fissile
