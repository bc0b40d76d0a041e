// The network of two matrices against plain loops, as the official code of MoEfication computes it.
#include <fissile/route/mlp_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/top_k.hpp>

#include "base/refusal.hpp"
#include "route/few_tokens.hpp"
#include "support/random_ffn.hpp"

#include <limits>

namespace fissile {
namespace {

using testing::random_numbers;
using testing::refusal;
using testing::scores_of_few;

static_assert(scorer<mlp_scorer>);

struct mlp_shape {
  index_t width, hidden, experts;
};

/// scores = second . tanh(first . x / ||x||) of one token.
std::vector<double> plain_mlp(mlp_shape shape, const std::vector<float>& first, const std::vector<float>& second,
                              std::vector<double> x, mlp_input input) {
  double norm = 0;
  for (const double number : x) norm += number * number;
  for (double& number : x) number = input == mlp_input::normalised && norm > 0 ? number / std::sqrt(norm) : number;
  std::vector<double> hidden, scores;
  for (index_t unit = 0; unit < shape.hidden; ++unit) {
    double sum = 0;
    for (index_t i = 0; i < shape.width; ++i) {
      sum += static_cast<double>(first[to_size(unit * shape.width + i)]) * x[to_size(i)];
    }
    hidden.push_back(std::tanh(sum));
  }
  for (index_t expert = 0; expert < shape.experts; ++expert) {
    double sum = 0;
    for (index_t unit = 0; unit < shape.hidden; ++unit) {
      sum += static_cast<double>(second[to_size(expert * shape.hidden + unit)]) * hidden[to_size(unit)];
    }
    scores.push_back(sum);
  }
  return scores;
}

TEST(mlp_scorer, is_the_network_for_any_shape) {
  random_source random{1};
  for (int trial = 0; trial < 150; ++trial) {
    const mlp_shape shape{1 + random.below(40), 1 + random.below(200), 1 + random.below(30)};
    const auto first = random_numbers<float>(random, shape.hidden * shape.width, 2 * random.uniform());
    const auto second = random_numbers<float>(random, shape.experts * shape.hidden);
    const index_t count = 1 + random.below(lanes);
    auto x = random_numbers<float>(random, count * shape.width, 0.1 + 5 * random.uniform());
    if (trial % 10 == 0) std::fill_n(x.begin(), shape.width, 0.0f);
    const matrix_view<const float> tokens{x.data(), count, shape.width};
    const mlp_input input = trial % 3 == 0 ? mlp_input::as_it_is : mlp_input::normalised;
    const mlp_scorer policy{
        {first.data(), shape.hidden, shape.width}, {second.data(), shape.experts, shape.hidden}, input};
    ASSERT_EQ(policy.experts(), shape.experts);
    ASSERT_EQ(policy.width(), shape.width);
    ASSERT_EQ(policy.hidden(), shape.hidden);
    const std::vector<float> scores = scores_of_few(policy, tokens);
    for (index_t token = 0; token < count; ++token) {
      const std::vector<double> expected =
          plain_mlp(shape, first, second, {tokens.row(token).begin(), tokens.row(token).end()}, input);
      for (index_t e = 0; e < shape.experts; ++e) {
        ASSERT_NEAR(static_cast<double>(scores[to_size(token * shape.experts + e)]), expected[to_size(e)],
                    2e-5 * std::sqrt(static_cast<double>(shape.hidden)))
            << "trial " << trial;
      }
    }
    testing::expect_no_token_sees_another(policy, tokens);
  }
}

TEST(mlp_scorer, does_not_mind_how_long_a_token_is_when_normalised) {
  random_source random{2};
  const auto first = random_numbers<float>(random, 6 * 5), second = random_numbers<float>(random, 4 * 6);
  std::vector<float> x = random_numbers<float>(random, 5);
  const mlp_scorer policy{{first.data(), 6, 5}, {second.data(), 4, 6}};
  const mlp_scorer raw{{first.data(), 6, 5}, {second.data(), 4, 6}, mlp_input::as_it_is};
  const std::vector<float> once = scores_of_few(policy, {x.data(), 1, 5}),
                           raw_once = scores_of_few(raw, {x.data(), 1, 5});
  for (float& number : x) number *= 4;
  EXPECT_EQ(scores_of_few(policy, {x.data(), 1, 5}), once);
  EXPECT_NE(scores_of_few(raw, {x.data(), 1, 5}), raw_once);
}

TEST(mlp_scorer, routes_the_same_for_any_batch_and_gives_nan_to_its_own_token_only) {
  random_source random{3};
  const index_t width = 12, hidden = 70, experts = 9, tokens = 21;
  const auto first = random_numbers<float>(random, hidden * width),
             second = random_numbers<float>(random, experts * hidden);
  auto x = random_numbers<float>(random, tokens * width);
  x[to_size(4 * width + 1)] = std::numeric_limits<float>::quiet_NaN();
  x[to_size(9 * width)] = std::numeric_limits<float>::infinity();
  const router choose{mlp_scorer{{first.data(), hidden, width}, {second.data(), experts, hidden}}, no_squash{},
                      top_k{.k = 3}};
  struct sizes {
    index_t width() const noexcept { return 12; }
    index_t neurons() const noexcept { return 9; }
    index_t experts() const noexcept { return 9; }
    index_t largest_expert() const noexcept { return 1; }
  };
  workspace all{sizes{}, {.batch = tokens}}, one{sizes{}};
  choose({x.data(), tokens, width}, all);
  for (index_t token = 0; token < tokens; ++token) {
    choose(matrix_view<const float>{x.data() + token * width, 1, width}, one);
    EXPECT_EQ(all.routes()[token], one.routes()[0]) << token;
    const bool odd = token == 4 || token == 9;
    EXPECT_EQ(one.routes()[0].undefined_scores, odd ? experts : 0);
    EXPECT_EQ(one.routes()[0].length(), odd ? 0 : 3);
  }
}

TEST(mlp_scorer, refuses_matrices_that_do_not_fit) {
  const std::vector<float> numbers(100);
  EXPECT_EQ(refusal<shape_error>([&] {
              mlp_scorer({numbers.data(), 6, 5}, {numbers.data(), 6, 4});
            }),
            "mlp_scorer: second: expected 6 columns, one a row of first, and at least one, got [6 x 4]; first is "
            "[hidden x width], second [experts x hidden]");
  EXPECT_THROW(mlp_scorer({numbers.data(), 0, 5}, {numbers.data(), 6, 0}), shape_error);
}

}  // namespace
}  // namespace fissile
