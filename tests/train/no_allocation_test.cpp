// Training allocates when it is set up, and never in a step.
#include "support/counting_new.hpp"

#include "train/problem.hpp"

#include <fissile/train/neuron_mask.hpp>
#include <fissile/train/penalty.hpp>
#include <fissile/train/two_branches.hpp>

namespace fissile::testing {
namespace {

template <element T>
void expect_no_allocation(gate gated) {
  random_source random{1};
  const problem_shape shape{
      .layer = {.width = 24, .neurons = 70, .gated = gated, .biased = biases::present}, .experts = 6, .batch = 33};
  const auto given = random_problem<T, float>(random, shape, silu{});
  const auto layer = given.layer();
  gradient_store<float> store{given.ffn, 6, 33};
  std::vector<float> out(given.tokens.size());
  training_scratch scratch{layer, {.batch = 33}};
  tape remembered{layer, scratch};

  const std::size_t before = allocations;
  for (index_t tokens = 33; tokens > 0; tokens -= 8) {
    ffn_gradients<float> into = store.view();
    into.tokens = into.tokens.rows(0, tokens);
    layer.forward(given.tokens_view().rows(0, tokens), remembered, {out.data(), tokens, 24});
    activity_penalty{}.add_gradient(remembered);
    layer.backward(remembered, given.out_gradient_view().rows(0, tokens), into, straight_through{});
    layer.backward(remembered, given.out_gradient_view().rows(0, tokens), into, hard{});
  }
  EXPECT_EQ(allocations - before, 0u);
}

TEST(no_allocation, in_a_training_step) {
  for (const gate gated : {gate::present, gate::absent}) {
    expect_no_allocation<float>(gated);
    expect_no_allocation<bf16>(gated);
  }
}

TEST(no_allocation, in_a_step_of_dense_layers_and_branches_with_a_mask) {
  random_source random{2};
  owned_ffn<float> ffn = random_ffn<float>(random, {.width = 24, .neurons = 70});
  const auto tokens = random_numbers<float>(random, 33 * 24), row = random_numbers<float>(random, 24);
  gradient_store<float> store{ffn, 1, 33};
  const ffn_gradients<float> parts{
      .gate = {ffn.gate.data(), 70, 24}, .up = {ffn.up.data(), 70, 24}, .down = {ffn.down.data(), 24, 70}};
  const dense_layer<float, float, silu> dense{ffn.view(), silu{}};
  std::vector<branch> served(70, branch::general);
  served[3] = branch::specific;
  const two_branches<float, float, silu> branches{dense, served, row};
  masked_adam<float> learn{{70, {3, 40}}, parts};
  training_scratch scratch{dense, {.batch = 33}};
  dense_tape remembered{dense, scratch};
  std::vector<float> out(tokens.size());

  const std::size_t before = allocations;
  dense.forward({tokens.data(), 33, 24}, remembered, {out.data(), 33, 24});
  dense.backward(remembered, {tokens.data(), 33, 24}, store.view());
  branches.forward({tokens.data(), 33, 24}, remembered, {out.data(), 33, 24});
  branches.backward(remembered, {tokens.data(), 33, 24}, store.view());
  learn.step(adam{}, parts, store.view());
  EXPECT_EQ(allocations - before, 0u);
}

TEST(no_allocation, is_counted_at_all) {
  const std::size_t before = allocations;
  ::operator delete(::operator new(8));  // called by name: not elided
  EXPECT_EQ(allocations - before, 1u);
}

}  // namespace
}  // namespace fissile::testing
