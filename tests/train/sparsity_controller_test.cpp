// The rule, and that it leads both penalties to their target.
#include <fissile/train/penalty.hpp>
#include <fissile/train/relu_penalty.hpp>
#include <fissile/train/sparsity_controller.hpp>

#include "train/problem.hpp"

#include <limits>
#include <utility>

namespace fissile::testing {
namespace {

TEST(sparsity_controller, multiplies_above_the_target_and_divides_elsewhere) {
  sparsity_controller control{.target = 0.25};
  EXPECT_EQ(control.weight, 1e-8);
  control.update(0.26);
  EXPECT_EQ(control.weight, 1e-8 * 1.2);
  control.update(0.24);
  EXPECT_NEAR(control.weight, 1e-8, 1e-22);
  control.update(0.25);
  EXPECT_NEAR(control.weight, 1e-8 / 1.2, 1e-22) << "mean sparsity is not below 1 - k / N";
  // As the code says it: weight *= 1.2 if mean sparsity < 1 - k / N, else weight /= 1.2.
  random_source random{1};
  sparsity_controller other{.target = 3.0 / 16, .weight = 0.5};
  double weight = 0.5;
  for (int step = 0; step < 300; ++step) {
    const double active = static_cast<double>(random.below(8)) / 16;
    other.update(active);
    weight = 1 - active < 1 - 3.0 / 16 ? weight * 1.2 : weight / 1.2;
    EXPECT_NEAR(other.weight, weight, 1e-12 * weight);
  }
}

TEST(sparsity_controller, comes_back_from_a_target_out_of_reach) {
  sparsity_controller control{.target = 0.5};
  for (int step = 0; step < 5000; ++step) control.update(0);
  EXPECT_EQ(control.weight, control.least);
  int back = 0;
  for (; control.weight < 1e-8; ++back) control.update(1);
  EXPECT_LT(back, 150);
  for (int step = 0; step < 5000; ++step) control.update(1);
  EXPECT_EQ(control.weight, control.most);
}

TEST(active_share, is_what_is_above_0) {
  const std::vector<double> weights{1, 0, -1, 0.5, std::numeric_limits<double>::quiet_NaN(), 2};
  EXPECT_EQ(active_share(matrix_view<const double>{weights.data(), 2, 3}), 0.5);
  EXPECT_EQ(active_share(matrix_view<const double>{}), 0);
}

/// Scores that would like to be somewhere, mostly above 0, and learn against the penalty of ReMoE.
TEST(sparsity_controller, leads_the_relu_penalty_to_its_target) {
  random_source random{2};
  for (const index_t k : {1, 2, 4}) {
    const index_t tokens = 40, experts = 8, last = 200;
    std::vector<double> wish, scores;
    for (index_t i = 0; i < tokens * experts; ++i) wish.push_back(1 + random.normal());
    scores = wish;
    sparsity_controller control{.target = static_cast<double>(k) / static_cast<double>(experts)};
    double active = 0, first_active = 0;
    for (int step = 0; step < 1000; ++step) {
      std::vector<double> values, slopes(scores.size());
      for (const double score : scores) values.push_back(std::max(0.0, score));
      const matrix_view<const double> seen{values.data(), tokens, experts};
      relu_penalty{.weight = control.weight, .k = k}.add_gradient(seen, {slopes.data(), tokens, experts});
      control.update(active_share(seen));
      if (step == 0) first_active = active_share(seen);
      if (step >= 1000 - last) active += active_share(seen) / static_cast<double>(last);
      for (std::size_t i = 0; i < scores.size(); ++i) scores[i] -= 0.1 * (scores[i] - wish[i] + slopes[i]);
    }
    EXPECT_GT(first_active, 0.75);
    EXPECT_NEAR(active, control.target, 0.05) << k;
  }
}

/// A router that would like to stay as it is learns against the penalty of DSMoE, which knows no target by itself.
TEST(sparsity_controller, leads_the_penalty_of_dsmoe_to_a_target_too) {
  random_source random{3};
  problem<float, float, silu> given = random_problem<float, float>(
      random, {.layer = {.width = 6, .neurons = 16, .biased = biases::absent}, .experts = 8, .batch = 64}, silu{});
  for (index_t token = 0; token < given.batch(); ++token) given.tokens[to_size(token * given.width())] = 1;  // a bias
  const std::vector<float> wish = given.router;
  const auto layer = given.layer();  // borrows the router that the steps change
  training_scratch scratch{layer, {.batch = given.batch()}};
  tape remembered{layer, scratch};
  std::vector<float> out(given.tokens.size()), no_gradient(out.size());
  sparsity_controller control{.target = 0.2};
  double active = 0, first_active = 0;
  for (int step = 0; step < 800; ++step) {
    layer.forward(given.tokens_view(), remembered, {out.data(), given.batch(), given.width()});
    activity_penalty{.weight = control.weight}.add_gradient(remembered, straight_through{});
    const double share = active_share(std::as_const(remembered).weights());
    control.update(share);
    if (step == 0) first_active = share;
    if (step >= 600) active += share / 200;
    gradient_store<float> into{given.ffn, given.experts(), given.batch()};
    layer.backward(remembered, {no_gradient.data(), given.batch(), given.width()}, into.view());
    for (std::size_t i = 0; i < wish.size(); ++i) {
      given.router[i] -= 0.1f * (given.router[i] - wish[i] + into.router[i]);
    }
  }
  EXPECT_GT(first_active, 0.35);
  EXPECT_NEAR(active, 0.2, 0.05);
}

}  // namespace
}  // namespace fissile::testing
