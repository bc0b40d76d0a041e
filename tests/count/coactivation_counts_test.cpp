#include <fissile/count/coactivation_counts.hpp>
#include <fissile/count/layer_counts.hpp>
#include <fissile/run/observer.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "count/random_counts.hpp"

namespace fissile {
namespace {

static_assert(observer<cell_counter<layer_coactivation>> && route_observer<layer_coactivation>);

TEST(coactivation_counts, laws_hold_against_a_count_by_hand) {
  random_source random{16};
  for (int round = 0; round < 60; ++round) {
    const partition split = testing::random_split(random);
    layer_coactivation pairs{split};
    layer_counts single{split};
    const std::vector<route> routes = testing::random_routes(random, split.experts(), random.below(50));
    std::uint64_t squares = 0;
    for (const route& r : routes) {
      pairs.token(r);
      single.token(r);
      squares += static_cast<std::uint64_t>(r.length() * r.length());
    }
    EXPECT_EQ(pairs.total(), squares) << "the sum over all pairs is the sum of squared route lengths";
    EXPECT_EQ(pairs.tokens, routes.size());
    EXPECT_EQ(pairs.shared, single.shared);
    for (index_t a = 0; a < split.experts(); ++a) {
      EXPECT_EQ(pairs.uses(a), single.uses[to_size(a)]) << "the diagonal holds the uses";
      for (index_t b = 0; b < split.experts(); ++b) {
        std::uint64_t both = 0;
        for (const route& r : routes) {
          const auto holds = [&](index_t e) {
            return std::any_of(r.begin(), r.end(), [&](const choice& c) { return c.expert == e; });
          };
          both += holds(a) && holds(b) ? 1 : 0;
        }
        EXPECT_EQ(pairs.together(a, b), both);
        EXPECT_EQ(pairs.together(b, a), both);
        if (pairs.uses(b) > 0) {
          EXPECT_DOUBLE_EQ(pairs.share(a, b) * static_cast<double>(pairs.uses(b)), static_cast<double>(both));
        } else {
          EXPECT_EQ(pairs.share(a, b), 0.0);
        }
      }
    }
    EXPECT_EQ(pairs.contradiction(), "");
  }
}

TEST(coactivation_counts, merging_is_counting_in_one_go_and_since_is_its_inverse) {
  random_source random{17};
  const std::vector<partition> splits = testing::random_splits(random, 2);
  const counts_settings settings{.labels = {"en", "de"}, .layers = 2, .corpus = "x"};
  coactivation_counts all{splits, settings}, first{splits, settings}, second{splits, settings};
  for (int token = 0; token < 200; ++token) {
    const index_t label = random.below(2), layer = random.below(2);
    const route chosen = testing::random_route(random, all.experts(layer));
    all.at(label, layer).token(chosen);
    (random.below(2) == 0 ? first : second).at(label, layer).token(chosen);
  }
  coactivation_counts sum = first, other = second;
  sum.merge(second);
  other.merge(first);
  EXPECT_EQ(sum, all);
  EXPECT_EQ(other, all);
  EXPECT_EQ(all.since(first), second);
  EXPECT_THROW(static_cast<void>(first.since(all)), setting_error);
  all.clear();
  EXPECT_EQ(all, coactivation_counts(splits, settings));
}

TEST(coactivation_counts, a_route_out_of_order_breaks_the_contract) {
  layer_coactivation pairs{partition{{{0}, {1}, {2}}}};
  route backwards{3}, twice{3}, outside{3};
  backwards.append({2, 1});
  backwards.append({0, 1});
  twice.append({1, 1});
  twice.append({1, 1});
  outside.append({3, 1});
  EXPECT_CONTRACT(pairs.token(backwards));
  EXPECT_CONTRACT(pairs.token(twice));
  EXPECT_CONTRACT(pairs.token(outside));
}

TEST(coactivation_counts, contradictions_and_overflows_are_told) {
  layer_coactivation pairs{partition{{{0}, {1}}}};
  EXPECT_EQ(pairs.contradiction(), "");
  EXPECT_EQ(layer_coactivation{}.contradiction(), "no experts");
  pairs.tokens = 3;
  pairs.pairs = {2, 1, 2};
  EXPECT_EQ(pairs.contradiction(), "");
  pairs.pairs = {2, 3, 3};
  EXPECT_EQ(pairs.contradiction(), "experts 0 and 1 together more often than one of them");
  pairs.pairs = {4, 0, 0};
  EXPECT_EQ(pairs.contradiction(), "expert 0 is used by more tokens than there are");
  pairs.pairs = {1};
  EXPECT_NE(pairs.contradiction(), "");
  layer_coactivation most{partition{{{0}, {1}}}}, one = most;
  most.pairs[0] = ~std::uint64_t{0};
  one.pairs[0] = 1;
  EXPECT_FALSE(most.can_merge(one));
  EXPECT_TRUE(most.can_subtract(one));
  EXPECT_FALSE(one.can_subtract(most));
  EXPECT_FALSE(one.can_merge(layer_coactivation{partition{{{0}, {1}}, {0}}}));
}

}  // namespace
}  // namespace fissile
