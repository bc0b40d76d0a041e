// Counting is free of heap allocations, whatever the route.
#include <fissile/count/activation_counts.hpp>
#include <fissile/count/coactivation_counts.hpp>

#include <gtest/gtest.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // g++ 12 inlines one half of the pair and doubts the other
#endif
#include "support/counting_new.hpp"

namespace fissile {
namespace {

template <class Counts>
std::size_t allocations_of_counting() {
  Counts counts{partition{cut_evenly(ascending(8), 8, "test")}, {.labels = {"en", "de"}, .layers = 2}};
  route chosen{8};
  auto counter = counts.at("de", 1);
  const std::size_t before = testing::allocations;
  for (index_t e = 0; e < 8; ++e) {
    counter.token(chosen);
    chosen.append({e, 0.5f});
  }
  const std::size_t after = testing::allocations;
  EXPECT_EQ(counts.tokens("de", 1), 8u);
  EXPECT_GT(before, 0u) << "making the counts allocates: the counter of allocations works";
  return after - before;
}

TEST(count_allocation, counting_a_token_allocates_nothing) {
  EXPECT_EQ(allocations_of_counting<activation_counts>(), 0u);
  EXPECT_EQ(allocations_of_counting<coactivation_counts>(), 0u);
}

}  // namespace
}  // namespace fissile
