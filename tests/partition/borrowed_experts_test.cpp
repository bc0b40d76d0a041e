// Experts over borrowed memory: what they show, that they copy nothing, and what they refuse.
#include <fissile/partition/borrowed_experts.hpp>
#include <fissile/partition/shuffled.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace {

using testing::refusal;

TEST(borrow, shows_a_dense_layer_as_experts_without_copying_it) {
  random_source random{1};
  const auto owned = testing::random_ffn<bf16>(random, {.width = 3, .neurons = 10, .biased = testing::biases::present});
  const partition split = shuffled{.seed = 4}.split(10, 3);
  const borrowed_experts storage = borrow(owned.view(), split);
  static_assert(expert_storage<borrowed_experts<bf16>>);
  EXPECT_EQ(storage.width(), 3);
  EXPECT_EQ(storage.experts(), split);
  EXPECT_EQ(storage.down_bias().data(), owned.down_bias.data());
  for (index_t e = 0; e < 3; ++e) {
    const expert_view<bf16> seen = storage.expert(e);
    EXPECT_EQ(seen.ffn.gate.data(), owned.gate.data());
    EXPECT_EQ(seen.ffn.down.data(), owned.down.data());
    ASSERT_EQ(seen.neurons.length(), split.size(e));
    for (index_t j = 0; j < split.size(e); ++j) EXPECT_EQ(seen.neurons[j], split.expert(e)[j]);
  }
  const expert_view<bf16> joined = storage.joined(1, 3);  // one after the other
  ASSERT_EQ(joined.neurons.length(), split.size(1) + split.size(2));
  EXPECT_EQ(joined.neurons[0], split.expert(1)[0]);
  EXPECT_EQ(joined.neurons[split.size(1)], split.expert(2)[0]);
}

/// Storage is moved and copied about; the lists of neurons it hands out must stay its own.
TEST(borrow, survives_being_moved_and_copied) {
  random_source random{2};
  const auto owned = testing::random_ffn<float>(random, {.width = 2, .neurons = 4});
  auto first = std::make_unique<borrowed_experts<float>>(borrow(owned.view(), shuffled{}.split(4, 2)));
  const borrowed_experts<float> copy = *first;
  const partition split = first->experts();
  const borrowed_experts<float> moved = std::move(*first);
  first.reset();
  for (const auto* storage : {&copy, &moved}) {
    for (index_t e = 0; e < 2; ++e) {
      for (index_t j = 0; j < 2; ++j) EXPECT_EQ(storage->expert(e).neurons[j], split.expert(e)[j]);
    }
  }
}

TEST(borrow, shows_a_stack_as_it_is) {
  random_source random{3};
  const auto gate = testing::random_numbers<f16>(random, 12 * 5), down = testing::random_numbers<f16>(random, 15 * 4);
  const borrowed_stack storage = borrow(stacked_ffn_weights<f16>{
      .gate = {gate.data(), 12, 5}, .up = {gate.data(), 12, 5}, .down = {down.data(), 15, 4}, .experts = 3});
  static_assert(expert_storage<borrowed_stack<f16>>);
  const borrowed_stack copy = storage;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy.width(), 5);
  EXPECT_EQ(copy.experts(), even_slices{}.split(12, 3));
  EXPECT_TRUE(copy.down_bias().empty());
  for (index_t e = 0; e < 3; ++e) {
    const expert_view<f16> seen = copy.expert(e);
    EXPECT_EQ(seen.ffn.up.data(), gate.data() + e * 20);
    EXPECT_EQ(seen.ffn.down.data(), down.data() + e * 20);
    ASSERT_EQ(seen.neurons.length(), 4);
    for (index_t j = 0; j < 4; ++j) EXPECT_EQ(seen.neurons[j], j);
  }
}

TEST(borrow, refuses_what_does_not_fit) {
  random_source random{4};
  const auto owned = testing::random_ffn<float>(random, {.width = 2, .neurons = 4});
  EXPECT_EQ(refusal<shape_error>([&] { borrow(owned.view(), shuffled{}.split(5, 2)); }),
            "borrow: experts: expected a partition of 4 neurons, got one of 5; split this layer's own weights");
  ffn_weights<float> wrong = owned.view();
  wrong.down = {owned.down.data(), 4, 2};
  EXPECT_EQ(refusal<shape_error>([&] { borrow(wrong, shuffled{}.split(4, 2)); }).substr(0, 32),
            "borrow: down: expected [2 x 4], ");
  const stacked_ffn_weights<float> stack{.up = owned.view().up, .down = owned.view().down, .experts = 3};
  EXPECT_EQ(refusal<shape_error>([&] { borrow(stack); }).substr(0, 54),
            "borrow: up: expected rows that divide into 3 experts, ");
}

}  // namespace
}  // namespace fissile
