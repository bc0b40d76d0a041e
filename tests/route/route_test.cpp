#include <fissile/route/route.hpp>

#include "base/refusal.hpp"

#include <utility>

namespace fissile {
namespace {

std::vector<choice> listed(const route& chosen) {
  return {chosen.begin(), chosen.end()};
}

TEST(route, holds_what_is_appended_up_to_its_capacity) {
  route chosen{3};
  EXPECT_EQ(chosen.capacity(), 3);
  EXPECT_TRUE(chosen.empty());
  chosen.append({4, 0.5f});
  chosen.append({1, 2.0f});
  EXPECT_EQ(chosen.length(), 2);
  EXPECT_EQ(chosen[1], (choice{1, 2.0f}));
  chosen.settle();
  EXPECT_EQ(listed(chosen), (std::vector<choice>{{1, 2.0f}, {4, 0.5f}}));
  chosen.append({9, 1.0f});
  chosen.shorten(1);
  EXPECT_EQ(listed(chosen), (std::vector<choice>{{1, 2.0f}}));
  chosen.undefined_scores = 3;
  chosen.clear();
  EXPECT_TRUE(chosen.empty());
  EXPECT_EQ(chosen.undefined_scores, 0);
  EXPECT_EQ(chosen.capacity(), 3);
}

TEST(route, settles_any_order) {
  std::vector<index_t> order{0, 1, 2, 3, 4};
  do {
    route chosen{5};
    for (index_t expert : order) chosen.append({expert, static_cast<float>(expert) / 2});
    chosen.settle();
    for (index_t expert = 0; expert < 5; ++expert) {
      ASSERT_EQ(chosen[expert], (choice{expert, static_cast<float>(expert) / 2}));
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

/// A copy may be appended to like the original, and a copy into a roomy route keeps its memory.
TEST(route, copies_keep_their_room) {
  route small{2}, roomy{8};
  small.append({1, 1.0f});
  small.undefined_scores = 2;
  route copy = small;
  EXPECT_EQ(copy, small);
  EXPECT_EQ(copy.capacity(), 2);
  copy.append({2, 1.0f});
  EXPECT_NE(copy, small);
  const choice* before = roomy.begin();
  roomy = copy;
  EXPECT_EQ(roomy, copy);  // capacity is no part of the value
  EXPECT_EQ(roomy.begin(), before);
  EXPECT_EQ(roomy.capacity(), 8);
  small = roomy;
  route tiny;
  tiny = roomy;
  EXPECT_EQ(tiny, roomy);
  EXPECT_GE(tiny.capacity(), 2);
  const route& self = tiny;
  tiny = self;
  EXPECT_EQ(tiny, roomy);
  const route moved = std::move(tiny);
  EXPECT_EQ(moved, roomy);
}

/// A slot of a workspace stays as roomy as it was, whatever is moved into it.
TEST(route, moves_keep_the_larger_room) {
  route slot{8};
  const choice* before = slot.begin();
  route given{2};
  given.append({1, 0.5f});
  given.undefined_scores = 3;
  const route same = given;
  slot = std::move(given);
  EXPECT_EQ(slot, same);
  EXPECT_EQ(slot.capacity(), 8);
  EXPECT_EQ(slot.begin(), before);
  slot = route{16};
  EXPECT_TRUE(slot.empty());
  EXPECT_EQ(slot.undefined_scores, 0);
  EXPECT_EQ(slot.capacity(), 16);
}

TEST(route_death, what_was_moved_away_has_no_room) {
  route given{2};
  const route taken = std::move(given);
  EXPECT_EQ(taken.capacity(), 2);
  EXPECT_CONTRACT(given.append({0, 1.0f}));  // NOLINT(bugprone-use-after-move): that is what is asked
}

TEST(route, equality_sees_experts_weights_and_undefined_scores) {
  route a{2}, b{2};
  a.append({1, 1.0f});
  b.append({1, 1.0f});
  EXPECT_EQ(a, b);
  b.undefined_scores = 1;
  EXPECT_NE(a, b);
  b.undefined_scores = 0;
  b.begin()->weight = 2;
  EXPECT_NE(a, b);
}

TEST(route_death, no_more_than_the_capacity_and_no_more_than_there_is) {
  route chosen{1};
  chosen.append({0, 1.0f});
  EXPECT_CONTRACT(chosen.append({1, 1.0f}));
  EXPECT_CONTRACT(chosen.shorten(2));
  EXPECT_CONTRACT(chosen.shorten(-1));
  EXPECT_CONTRACT(route{}.append({0, 1.0f}));
}

}  // namespace
}  // namespace fissile
