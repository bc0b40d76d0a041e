// Tokens grouped by expert: the gradients of any batch, partition and activity are those of plain loops in double that
// walk token by token.
#include <fissile/train/trainable_ffn.hpp>

#include "train/plain_layer.hpp"

namespace fissile::testing {
namespace {

struct activity_case {
  const char* name;
  threshold_gate rule;
};
const std::vector<activity_case>& activities() {
  static const std::vector<activity_case> all{{"none", {.threshold = 1.0f}},
                                              {"one", {.threshold = 1.0f, .if_none = nothing_active::strongest}},
                                              {"few", {.threshold = 0.8f}},
                                              {"half", {.threshold = 0.5f, .rescale = rescaling::none}},
                                              {"all", {.threshold = -1.0f}}};
  return all;
}

template <element T, std::floating_point A>
void compare_with_loops(std::uint64_t seed, double bound) {
  random_source random{seed};
  for (int trial = 0; trial < 8; ++trial) {
    for (const activity_case& chosen : activities()) {
      problem_shape shape = random_problem_shape(random);
      shape.batch = 1 + random.below(40);
      const auto given = random_problem<T, A>(random, shape, gelu_tanh{}, chosen.rule);
      const auto loops = plain(given);
      if (near_threshold(loops, 1e-5)) continue;
      const gradient_store<A> got = given.gradients();
      EXPECT_LT(difference(got.flat(), loops.gradients([](double, bool) { return 1.0; })), bound) << chosen.name;
      EXPECT_LT(difference(in_double(given.outputs()), loops.outputs()), bound) << chosen.name;
      EXPECT_EQ(got.flat(), given.gradients().flat()) << "not the same bits twice";
    }
  }
}
TEST(grouped_backward, equals_loops_over_tokens_in_double) {
  compare_with_loops<double, double>(1, 1e-12);
}
TEST(grouped_backward, equals_loops_over_tokens_in_float) {
  compare_with_loops<float, float>(2, 3e-5);
}
TEST(grouped_backward, equals_loops_over_tokens_with_bf16_weights) {
  compare_with_loops<bf16, float>(3, 3e-5);
}

TEST(grouped_backward, equals_loops_beyond_the_blocks_of_products) {
  random_source random{4};
  for (const activity_case& chosen : activities()) {
    const problem_shape shape{
        .layer = {.width = 70, .neurons = 300, .biased = biases::present}, .experts = 7, .batch = 101};
    const auto given = random_problem<double, double>(random, shape, silu{}, chosen.rule);
    EXPECT_LT(difference(given.gradients().flat(), plain(given).gradients([](double, bool) { return 1.0; })), 1e-12);
  }
}

TEST(grouped_backward, touches_no_gradient_of_an_expert_that_works_for_no_token) {
  random_source random{5};
  const auto given = random_problem<float, float>(random, {}, silu{}, {.threshold = 1.0f});
  const auto layer = given.layer();
  training_scratch scratch{layer, {.batch = given.batch()}};
  tape remembered{layer, scratch};
  std::vector<float> out(given.tokens.size());
  layer.forward(given.tokens_view(), remembered, {out.data(), given.batch(), given.width()});
  gradient_store<float> into{given.ffn, given.experts(), given.batch()};
  const float negative_zero = -0.0f;  // adding 0 would make it positive
  for (auto* part : {&into.gate, &into.up, &into.down}) std::fill(part->begin(), part->end(), negative_zero);
  layer.backward(remembered, given.out_gradient_view(), into.view());
  for (const auto* part : {&into.gate, &into.up, &into.down}) {
    for (const float value : *part) EXPECT_TRUE(value == 0 && std::signbit(value));
  }
}

}  // namespace
}  // namespace fissile::testing
