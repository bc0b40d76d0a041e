#include <fissile/train/tape.hpp>

#include "train/problem.hpp"

namespace fissile::testing {
namespace {

TEST(tape, remembers_values_weights_and_rule_of_the_last_batch) {
  random_source random{1};
  const threshold_gate rule{.threshold = 0.4f, .if_none = nothing_active::strongest};
  const auto given = random_problem<double, double>(random, {}, silu{}, rule);
  const auto layer = given.layer();
  training_scratch scratch{layer, {.batch = 9}};
  tape remembered{layer, scratch};
  EXPECT_EQ(remembered.values().rows(), 0);
  std::vector<double> out(given.tokens.size());
  layer.forward(given.tokens_view(), remembered, {out.data(), given.batch(), given.width()});
  ASSERT_EQ(remembered.values().rows(), given.batch());
  ASSERT_EQ(remembered.weights().columns(), given.experts());
  EXPECT_EQ(remembered.rule().threshold, 0.4f);
  EXPECT_EQ(remembered.rule().if_none, nothing_active::strongest);
  for (index_t token = 0; token < given.batch(); ++token) {
    std::vector<double> values, weights(to_size(given.experts()));
    for (index_t e = 0; e < given.experts(); ++e) {
      double score = 0;
      for (index_t i = 0; i < given.width(); ++i) score += given.router_view()(e, i) * given.tokens_view()(token, i);
      values.push_back(1 / (1 + std::exp(-score)));
      EXPECT_NEAR(remembered.values()(token, e), values.back(), 1e-14);
      EXPECT_EQ(remembered.value_gradients()(token, e), 0);
    }
    rule.open<double>(values, weights);
    for (index_t e = 0; e < given.experts(); ++e) {
      EXPECT_NEAR(remembered.weights()(token, e), weights[to_size(e)], 1e-13);
    }
  }
  EXPECT_EQ(remembered.undefined_values(), 0);
}

TEST(tape, forward_forgets_what_penalties_asked_before) {
  random_source random{2};
  const auto given = random_problem<double, double>(random, {}, silu{});
  const auto layer = given.layer();
  training_scratch scratch{layer, {.batch = given.batch()}};
  tape remembered{layer, scratch};
  std::vector<double> out(given.tokens.size());
  const matrix_view<double> outputs{out.data(), given.batch(), given.width()};
  layer.forward(given.tokens_view(), remembered, outputs);
  remembered.value_gradients()(0, 0) = 5;
  layer.forward(given.tokens_view(), remembered, outputs);
  EXPECT_EQ(remembered.value_gradients()(0, 0), 0);
}

TEST(tape, knows_which_layers_it_was_made_for) {
  random_source random{3};
  const auto gated = random_problem<float, float>(random, {}, silu{});
  const auto ungated = random_problem<float, float>(
      random, {.layer = {.width = 5, .neurons = 11, .gated = gate::absent}, .experts = 3, .batch = 4}, silu{});
  const auto fewer = random_problem<float, float>(random, {.layer = {.width = 5, .neurons = 11}, .experts = 2}, silu{});
  const auto layer = gated.layer();
  training_scratch scratch{layer, {.batch = 4}};
  const tape remembered{layer, scratch};
  EXPECT_TRUE(remembered.made_for(layer));
  EXPECT_FALSE(remembered.made_for(ungated.layer()));
  EXPECT_FALSE(remembered.made_for(fewer.layer()));
}

TEST(tape, refuses_a_scratch_of_a_smaller_layer) {
  random_source random{4};
  const auto small = random_problem<float, float>(random, {}, silu{});
  const auto large = random_problem<float, float>(random, {.layer = {.width = 5, .neurons = 12}}, silu{});
  training_scratch scratch{small.layer()};
  EXPECT_NE(refusal_of<shape_error>([&] { (void)tape{large.layer(), scratch}; }), "");
}

}  // namespace
}  // namespace fissile::testing
