// The routers of the papers allocate nothing: counted by an operator new of the test's own.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // inlines only one of a pair and takes it for the wrong one
#endif
#include "support/counting_new.hpp"

#include <fissile/partition/even_slices.hpp>
#include <fissile/route/analytic_scorer.hpp>
#include <fissile/route/centroid_scorer.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/dynamic_k.hpp>
#include <fissile/route/mlp_scorer.hpp>
#include <fissile/route/one_plus.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/top_k.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

struct allocation_sizes {
  index_t width() const noexcept { return 20; }
  index_t neurons() const noexcept { return 60; }
  index_t experts() const noexcept { return 6; }
  index_t largest_expert() const noexcept { return 10; }
};

template <class Router>
std::size_t allocations_of_routing(const Router& choose, matrix_view<const float> tokens) {
  workspace work{allocation_sizes{}, {.batch = tokens.rows()}};
  const std::size_t before = testing::allocations;
  choose(tokens, work);
  const std::size_t after = testing::allocations;
  EXPECT_FALSE(work.routes()[0].empty());
  EXPECT_GT(before, 0u) << "making a workspace allocates: the counter of allocations works";
  return after - before;
}

TEST(route_allocation, routing_allocates_nothing) {
  random_source random{1};
  const auto owned = testing::random_ffn<float>(random, {.width = 20, .neurons = 60});
  const auto x = testing::random_numbers<float>(random, 19 * 20);
  const matrix_view<const float> tokens{x.data(), 19, 20};
  const std::vector<float> first = centroids_of(owned.view(), even_slices{}.split(owned.view(), 6));
  const auto second = testing::random_numbers<float>(random, 6 * 6);
  const dynamic_k near{.tau = 0.5f};
  EXPECT_EQ(
      allocations_of_routing(router{mlp_scorer{{first.data(), 6, 20}, {second.data(), 6, 6}}, sigmoid{}, near}, tokens),
      0u);
  EXPECT_EQ(allocations_of_routing(router{centroid_scorer{{first.data(), 6, 20}}, no_squash{}, top_k{.k = 2}}, tokens),
            0u);
  const std::vector<index_t> representatives{3, 14, 25, 36, 47};
  EXPECT_EQ(allocations_of_routing(
                router{analytic_scorer{unit_rows_of(owned.view(), representatives), silu{}, 1}, softmax{},
                       with_shared{one_plus{biased{near, std::vector<float>(6)}, std::vector<float>(6)}, {0}}},
                tokens),
            0u);
}

}  // namespace
}  // namespace fissile
