#include <fissile/partition/even_slices.hpp>
#include <fissile/prune/best_first.hpp>
#include <fissile/prune/random_order.hpp>

#include <gtest/gtest.h>

#include <set>

namespace fissile {
namespace {

static_assert(judge<random_order>);

std::vector<index_t> order(std::uint64_t seed, index_t layer, index_t experts = 8) {
  const partition split = even_slices{}.split(experts, experts);
  return best_first(random_order{seed}.standings(layer, split), split, "test");
}

TEST(random_order, is_the_same_on_every_machine) {
  EXPECT_EQ(order(0, 0), (std::vector<index_t>{4, 6, 1, 3, 0, 2, 7, 5}));
  EXPECT_EQ(order(7, 2), (std::vector<index_t>{5, 0, 6, 2, 3, 4, 1, 7}));
}

TEST(random_order, differs_by_seed_and_layer) {
  std::set<std::vector<index_t>> seen;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (index_t layer = 0; layer < 10; ++layer) seen.insert(order(seed, layer, 48));
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST(random_order, every_expert_goes_first_about_equally_often) {
  std::vector<index_t> last(8, 0);
  for (std::uint64_t seed = 0; seed < 4000; ++seed) ++last[to_size(order(seed, 1).back())];
  for (const index_t times : last) EXPECT_NEAR(static_cast<double>(times), 500.0, 100.0);  // 4.8 sigma
}

TEST(random_order, says_that_it_looked_at_nothing) {
  EXPECT_EQ(random_order{3}.name(), "random_order(3)");
  EXPECT_EQ(random_order{3}.seen(), evidence{});
  EXPECT_EQ(random_order{3}.standings(0, even_slices{}.split(2, 2))[1].reason, "drawn at random with seed 3");
}

}  // namespace
}  // namespace fissile
