// ReMoE: its router as a composition of what stands, and its penalty.
#include <fissile/route/above.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/train/relu_penalty.hpp>

#include "train/problem.hpp"

namespace fissile::testing {
namespace {

/// Values after a relu: about half of them are 0.
numbers relu_values(random_source& random, index_t count) {
  numbers values;
  for (index_t i = 0; i < count; ++i) values.push_back(std::max(0.0, random.normal()));
  return values;
}

TEST(relu_router, weighs_by_relu_and_runs_what_is_above_0) {
  random_source random{1};
  struct sizes {
    index_t width() const noexcept { return 7; }
    index_t neurons() const noexcept { return 12; }
    index_t experts() const noexcept { return 12; }
    index_t largest_expert() const noexcept { return 1; }
  };
  const index_t width = 7, experts = 12, tokens = 50;
  const auto rows = random_numbers<float>(random, experts * width);
  auto x = random_numbers<float>(random, tokens * width);
  std::fill_n(x.begin(), width, 0.0f);
  const router choose{linear_scorer{{rows.data(), experts, width}}, relu_squash{}, scaled{above{.threshold = 0}}};
  workspace work{sizes{}, {.batch = tokens}};
  choose({x.data(), tokens, width}, work);
  EXPECT_TRUE(work.routes()[0].empty()) << "a score of 0 does not work";
  for (index_t token = 1; token < tokens; ++token) {
    index_t next = 0;
    const route& chosen = work.routes()[token];
    for (index_t e = 0; e < experts; ++e) {
      double score = 0;
      for (index_t i = 0; i < width; ++i) {
        score += static_cast<double>(rows[to_size(e * width + i)]) * static_cast<double>(x[to_size(token * width + i)]);
      }
      ASSERT_GT(std::abs(score), 1e-5) << "too near 0 to be told in float; take another seed";
      if (score < 0) continue;
      ASSERT_LT(next, chosen.length());
      EXPECT_EQ(chosen[next].expert, e);
      EXPECT_NEAR(static_cast<double>(chosen[next++].weight), score, 1e-5);
    }
    EXPECT_EQ(next, chosen.length());
  }
}

TEST(relu_penalty, is_the_papers_sum) {
  random_source random{2};
  for (int trial = 0; trial < 100; ++trial) {
    const index_t tokens = 1 + random.below(8), experts = 1 + random.below(8), k = 1 + random.below(experts),
                  layers = 1 + random.below(3);
    const numbers values = relu_values(random, tokens * experts);
    // The code: f_e = N / (k T) * sum_t 1[w_te > 0], penalty = mean over layers and tokens of sum_e f_e w_te.
    double expected = 0;
    for (index_t e = 0; e < experts; ++e) {
      double busy = 0;
      for (index_t t = 0; t < tokens; ++t) busy += values[to_size(t * experts + e)] > 0 ? 1 : 0;
      const double f = static_cast<double>(experts) / static_cast<double>(k * tokens) * busy;
      for (index_t t = 0; t < tokens; ++t) expected += f * values[to_size(t * experts + e)];
    }
    expected *= 0.3 / static_cast<double>(layers * tokens);
    const relu_penalty penalty{.weight = 0.3, .k = k, .layers = layers};
    EXPECT_NEAR(penalty.value(matrix_view<const double>{values.data(), tokens, experts}), expected,
                1e-12 * (1 + expected));
  }
}

TEST(relu_penalty, of_a_balanced_batch_is_the_mean_sum_of_weights) {
  const numbers values{2, 0, 1, 0, 0, 3, 0, 4};  // 4 tokens, each of 2 experts serves 2 of them
  const double value = relu_penalty{.k = 1}.value(matrix_view<const double>{values.data(), 4, 2});
  EXPECT_NEAR(value, 10.0 / 4, 1e-12);
  const numbers unbalanced{2, 0, 1, 0, 3, 0, 4, 0};  // the same weights, all at one expert
  EXPECT_NEAR(relu_penalty{.k = 1}.value(matrix_view<const double>{unbalanced.data(), 4, 2}), 20.0 / 4, 1e-12);
}

TEST(relu_penalty, has_the_gradient_of_its_value) {
  random_source random{3};
  for (int trial = 0; trial < 60; ++trial) {
    const index_t tokens = 1 + random.below(5), experts = 1 + random.below(6);
    numbers scores;  // before the relu, away from its kink
    for (index_t i = 0; i < tokens * experts; ++i) {
      const double draw = random.normal();
      scores.push_back(draw < 0 ? draw - 0.01 : draw + 0.01);
    }
    const relu_penalty penalty{.weight = 0.7, .k = 1 + random.below(experts), .layers = 2};
    const auto values_now = [&] {
      numbers values;
      for (const double score : scores) values.push_back(std::max(0.0, score));
      return values;
    };
    std::vector<double*> parameters;
    for (double& score : scores) parameters.push_back(&score);
    const numbers expected = differences(parameters, [&] {
      return penalty.value(matrix_view<const double>{values_now().data(), tokens, experts});
    });
    numbers got(scores.size(), 0.5);
    penalty.add_gradient(matrix_view<const double>{values_now().data(), tokens, experts},
                         matrix_view<double>{got.data(), tokens, experts});
    for (double& g : got) g -= 0.5;  // it adds
    EXPECT_LT(difference(got, expected), expected == numbers(expected.size(), 0.0) ? 1e-300 : 1e-7);
  }
}

TEST(relu_penalty, of_no_tokens_is_0_and_leaves_nan_out_of_counts) {
  EXPECT_EQ(relu_penalty{}.value(matrix_view<const float>{}), 0);
  const std::vector<float> values{std::nanf(""), 1};
  std::vector<float> gradient(2);
  relu_penalty{}.add_gradient(matrix_view<const float>{values.data(), 1, 2}, matrix_view<float>{gradient.data(), 1, 2});
  EXPECT_EQ(gradient[0], 0.0f);
  EXPECT_EQ(gradient[1], 2.0f);
}

}  // namespace
}  // namespace fissile::testing
