// The simple partitioners: slices in order, neurons dealt by seed, neurons in order of importance.
#include <fissile/partition/by_importance.hpp>
#include <fissile/partition/even_slices.hpp>
#include <fissile/partition/shuffled.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

#include <limits>

namespace fissile {
namespace {

using testing::refusal;

owned_ffn<float> layer_of(index_t neurons) {
  random_source random{1};
  return testing::random_ffn<float>(random, {.width = 2, .neurons = neurons});
}

/// Every partitioner looks at the layer before it splits it.
template <class Partitioner>
void expect_shapes_are_checked(const Partitioner& policy, const std::string& name) {
  const owned_ffn<float> owned = layer_of(4);
  ffn_weights<float> ffn = owned.view();
  ffn.down = {owned.down.data(), 4, 2};
  EXPECT_EQ(refusal<shape_error>([&] { policy.split(ffn, 2); }).substr(0, name.size() + 25),
            name + ": down: expected [2 x 4],");
}

TEST(even_slices, keep_the_order_and_put_the_larger_first) {
  EXPECT_EQ(even_slices{}.split(7, 3), (partition{{{0, 1, 2}, {3, 4}, {5, 6}}}));
  EXPECT_EQ(even_slices{}.split(layer_of(6).view(), 3), (partition{{{0, 1}, {2, 3}, {4, 5}}}));
  EXPECT_EQ(even_slices{}.split(3, 1), (partition{{{0, 1, 2}}}));
  EXPECT_EQ(even_slices{}.split(3, 3), (partition{{{0}, {1}, {2}}}));
}

TEST(even_slices, refuse_what_cannot_be) {
  EXPECT_EQ(refusal<setting_error>([] { even_slices{}.split(3, 4); }),
            "even_slices: experts: expected from 1 to 3, the number of neurons, got 4");
  expect_shapes_are_checked(even_slices{}, "even_slices");
}

/// Computed with another program from the published generator: the same on every machine and standard library.
TEST(shuffled, is_the_same_for_a_seed_everywhere) {
  const partition split = shuffled{.seed = 2024}.split(10, 3);
  EXPECT_EQ(split, (partition{{{9, 0, 6, 3}, {4, 2, 5}, {7, 8, 1}}}));
  EXPECT_EQ(split, shuffled{.seed = 2024}.split(layer_of(10).view(), 3));
  EXPECT_NE(split, shuffled{.seed = 2025}.split(10, 3));
  EXPECT_EQ(shuffled{}.split(10, 3), shuffled{.seed = 0}.split(10, 3));
}

TEST(shuffled, refuses_what_cannot_be) {
  EXPECT_EQ(refusal<setting_error>([] { shuffled{}.split(3, 0); }),
            "shuffled: experts: expected from 1 to 3, the number of neurons, got 0");
  expect_shapes_are_checked(shuffled{}, "shuffled");
}

TEST(by_importance, puts_the_most_important_first_and_ties_in_order) {
  const owned_ffn<float> owned = layer_of(7);
  const by_importance policy{.importance = {1, 5, 5, -2, 9, 1, 5}};
  EXPECT_EQ(policy.split(owned.view(), 3), (partition{{{4, 1, 2}, {6, 0}, {5, 3}}}));
}

TEST(by_importance, marks_the_first_experts_as_shared) {
  const owned_ffn<float> owned = layer_of(4);
  by_importance policy{.importance = {0, 3, std::numeric_limits<double>::infinity(), 1}, .shared = 1};
  const partition split = policy.split(owned.view(), 4);
  EXPECT_EQ(split, (partition{{{2}, {1}, {3}, {0}}, {0}}));
  policy.shared = 4;
  EXPECT_EQ(policy.split(owned.view(), 4).shared_experts(), (std::vector<index_t>{0, 1, 2, 3}));
}

TEST(by_importance, refuses_what_cannot_be) {
  const owned_ffn<float> owned = layer_of(4);
  by_importance policy{.importance = {1, 2, 3}};
  EXPECT_EQ(refusal<shape_error>([&] { policy.split(owned.view(), 2); }),
            "by_importance: importance: expected 4 numbers, one a neuron, got 3");
  policy.importance.push_back(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(refusal<setting_error>([&] { policy.split(owned.view(), 2); }),
            "by_importance: importance: expected numbers, got a NaN");
  policy.importance.back() = 0;
  policy.shared = 3;
  EXPECT_EQ(refusal<setting_error>([&] { policy.split(owned.view(), 2); }),
            "by_importance: shared: expected from 0 to 2 experts, got 3");
  policy.shared = -1;
  EXPECT_EQ(refusal<setting_error>([&] { policy.split(owned.view(), 2); }),
            "by_importance: shared: expected from 0 to 2 experts, got -1");
  policy.shared = 0;
  EXPECT_EQ(refusal<setting_error>([&] { policy.split(owned.view(), -1); }),
            "by_importance: experts: expected from 1 to 4, the number of neurons, got -1");
  expect_shapes_are_checked(policy, "by_importance");
}

}  // namespace
}  // namespace fissile
