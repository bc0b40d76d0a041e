#include <fissile/base/random.hpp>
#include <fissile/prune/decide.hpp>

#include "file/temporary.hpp"
#include "prune/policies.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::exactly;
using testing::expect_says;
using testing::message_of;
using testing::single_neurons;
using testing::told;

TEST(decide, the_lowest_standings_go) {
  const verdict decided = decide(told{{0.5, 0.1, 0.9, 0.3}}, exactly{{2, 1}}, single_neurons(4, 2));
  EXPECT_EQ(decided.removed(0), (std::vector<index_t>{1, 3}));
  EXPECT_EQ(decided.removed(1), (std::vector<index_t>{1}));
  EXPECT_EQ(decided.layers[0][2], (ruling{fate::keep, "told: 1st of 4"}));
  EXPECT_EQ(decided.layers[0][1], (ruling{fate::remove, "told: 4th of 4"}));
}

TEST(decide, of_equals_the_lower_number_stays) {
  const verdict decided = decide(told{{1, 0, 0, 0, 1}}, exactly{{2}}, single_neurons(5));
  EXPECT_EQ(decided.kept(0), (std::vector<index_t>{0, 1, 4}));
}

TEST(decide, shared_experts_never_go) {
  const verdict decided = decide(told{{-5, 1, 2, -7, 0}}, exactly{{2}}, single_neurons(5, 1, {0, 3}));
  EXPECT_EQ(decided.removed(0), (std::vector<index_t>{1, 4}));
  EXPECT_EQ(decided.layers[0][0], (ruling{fate::keep, "shared: works for every token"}));
  EXPECT_EQ(decided.layers[0][2].reason, "told: 1st of 3");
}

TEST(decide, all_but_the_shared_may_go) {
  const verdict decided = decide(told{{1, 2, 3}}, exactly{{2}}, single_neurons(3, 1, {1}));
  EXPECT_EQ(decided.kept(0), (std::vector<index_t>{1}));
}

TEST(decide, says_who_decided_on_what) {
  const verdict decided = decide(told{{1, 2}}, exactly{{1}}, single_neurons(2));
  EXPECT_EQ(decided.judge, "told");
  EXPECT_EQ(decided.budget, "exactly");
  EXPECT_EQ(decided.rate, 0.5);
  EXPECT_EQ(decided.corpus, "a corpus");
  EXPECT_EQ(decided.tokens, 7u);
}

TEST(decide, removes_as_many_as_the_budget_says_and_none_better_than_one_that_stays) {
  random_source random{51};
  for (index_t round = 0; round < 300; ++round) {
    const index_t experts = 2 + random.below(30);
    told by{};
    for (index_t e = 0; e < experts; ++e) by.values.push_back(static_cast<double>(random.below(6)));
    const index_t count = random.below(experts);
    const verdict decided = decide(by, exactly{{count}}, single_neurons(experts));
    ASSERT_EQ(decided.removed_count(0), count);
    for (index_t gone : decided.removed(0)) {
      for (index_t stays : decided.kept(0)) {
        const double lower = by.values[to_size(gone)];
        const double higher = by.values[to_size(stays)];
        ASSERT_TRUE(lower < higher || (lower == higher && gone > stays));
      }
    }
  }
}

TEST(decide, infinite_standings_are_standings) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(decide(told{{0, -infinity, infinity}}, exactly{{1}}, single_neurons(3)).removed(0),
            (std::vector<index_t>{1}));
}

TEST(decide, refuses_policies_that_break_their_laws) {
  const auto refusal = [](const told& by, const exactly& within) {
    return message_of<setting_error>([&] { decide(by, within, single_neurons(3)); });
  };
  expect_says(refusal({{1, 2}}, {{1}}), {"told", "3 standings", "got 2"});
  expect_says(refusal({{1, std::numeric_limits<double>::quiet_NaN(), 3}}, {{1}}),
              {"told", "standing of expert 1", "NaN"});
  expect_says(refusal({{1, 2, 3}}, {{1, 1}}), {"exactly", "1 numbers", "got 2"});
  expect_says(refusal({{1, 2, 3}}, {{3}}), {"exactly", "layer 0", "from 0 to 2", "got 3"});
  expect_says(refusal({{1, 2, 3}}, {{-1}}), {"exactly", "got -1"});
  expect_says(message_of<setting_error>([&] { decide(told{{1}}, exactly{{}}, {}); }), {"decide: layers", "none"});
}

TEST(decide, a_NaN_of_a_shared_expert_is_not_looked_at) {
  const told by{{std::numeric_limits<double>::quiet_NaN(), 1, 2}};
  EXPECT_EQ(decide(by, exactly{{1}}, single_neurons(3, 1, {0})).removed(0), (std::vector<index_t>{1}));
}

}  // namespace
}  // namespace fissile
