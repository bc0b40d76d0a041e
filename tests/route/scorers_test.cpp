// Scores against plain loops in long double, and the law that a token's scores do not hang on its neighbours.
#include <fissile/partition/shuffled.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/oracle_scorer.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"
#include "weights/plain_ffn.hpp"

#include <cstring>
#include <limits>

namespace fissile {
namespace {

using testing::random_numbers;
using testing::refusal;

/// Scores of a few tokens, with only as much scratch as the scorer asks for.
template <scorer Scorer>
std::vector<float> scores_of(const Scorer& policy, matrix_view<const float> tokens) {
  std::vector<float> scratch(to_size(policy.scratch()));
  std::vector<float> scores(to_size(tokens.rows() * policy.experts()), -99.0f);
  policy.score(tokens, {scores.data(), tokens.rows(), policy.experts()}, vector_view<float>(scratch));
  return scores;
}

template <scorer Scorer>
void expect_same_bits_alone(const Scorer& policy, matrix_view<const float> tokens) {
  const std::vector<float> together = scores_of(policy, tokens);
  for (index_t token = 0; token < tokens.rows(); ++token) {
    const std::vector<float> alone = scores_of(policy, tokens.rows(token, 1));
    ASSERT_EQ(std::memcmp(alone.data(), together.data() + token * policy.experts(), alone.size() * sizeof(float)), 0);
  }
}

TEST(linear_scorer, is_the_product_of_rows_and_token) {
  random_source random{1};
  for (int trial = 0; trial < 100; ++trial) {
    const index_t experts = 1 + random.below(30), width = 1 + random.below(40), stride = width + random.below(4);
    const index_t count = 1 + random.below(lanes), token_stride = width + random.below(4);
    const auto rows = random_numbers<float>(random, experts * stride);
    const auto numbers = random_numbers<float>(random, count * token_stride);
    const matrix_view<const float> tokens{numbers.data(), count, width, token_stride};
    const linear_scorer policy{.weights = {rows.data(), experts, width, stride}};
    ASSERT_EQ(policy.experts(), experts);
    ASSERT_EQ(policy.width(), width);
    const std::vector<float> scores = scores_of(policy, tokens);
    for (index_t token = 0; token < count; ++token) {
      for (index_t e = 0; e < experts; ++e) {
        double sum = 0, scale = 0;
        for (index_t i = 0; i < width; ++i) {
          const double product =
              static_cast<double>(rows[to_size(e * stride + i)]) * static_cast<double>(tokens(token, i));
          sum += product;
          scale += std::abs(product);
        }
        ASSERT_NEAR(static_cast<double>(scores[to_size(token * experts + e)]), sum, 2e-6 * scale) << "trial " << trial;
      }
    }
    expect_same_bits_alone(policy, tokens);
  }
}

/// What phi is of one neuron, in plain words.
long double plain_phi(phi::absolute, long double h, long double) {
  return std::abs(h);
}
long double plain_phi(phi::squared, long double h, long double) {
  return h * h;
}
long double plain_phi(phi::positive, long double h, long double) {
  return h > 0 ? h : 0;
}
long double plain_phi(const phi::contribution&, long double h, long double norm) {
  return std::abs(h) * norm;
}
long double plain_reduce(reduce::sum, const std::vector<long double>& terms) {
  long double sum = 0;
  for (long double term : terms) sum += term;
  return sum;
}
long double plain_reduce(reduce::mean, const std::vector<long double>& terms) {
  return plain_reduce(reduce::sum{}, terms) / static_cast<long double>(terms.size());
}
long double plain_reduce(reduce::largest, const std::vector<long double>& terms) {
  return *std::max_element(terms.begin(), terms.end());
}

template <class Phi, element T>
Phi made_for(const ffn_weights<T>& ffn) {
  if constexpr (std::same_as<Phi, phi::contribution>) {
    return phi::contribution::of(ffn);
  } else {
    return {};
  }
}

template <element T, class Phi, class Reduce>
struct oracle {
  using element_type = T;
  using phi_type = Phi;
  using reduce_type = Reduce;
};
template <class Case>
class oracles : public ::testing::Test {};
using cases =
    ::testing::Types<oracle<float, phi::absolute, reduce::sum>, oracle<bf16, phi::absolute, reduce::mean>,
                     oracle<f16, phi::absolute, reduce::largest>, oracle<float, phi::squared, reduce::sum>,
                     oracle<double, phi::squared, reduce::mean>, oracle<float, phi::squared, reduce::largest>,
                     oracle<bf16, phi::positive, reduce::sum>, oracle<float, phi::positive, reduce::mean>,
                     oracle<float, phi::positive, reduce::largest>, oracle<f16, phi::contribution, reduce::sum>,
                     oracle<float, phi::contribution, reduce::mean>, oracle<bf16, phi::contribution, reduce::largest>>;
TYPED_TEST_SUITE(oracles, cases);

TYPED_TEST(oracles, reduce_phi_over_the_neurons_of_each_expert) {
  using T = typename TypeParam::element_type;
  using Phi = typename TypeParam::phi_type;
  using Reduce = typename TypeParam::reduce_type;
  random_source random{1};
  for (int trial = 0; trial < 30; ++trial) {
    const auto owned = testing::random_ffn<T>(random, testing::random_shape(random));
    const ffn_weights<T> ffn = owned.view();
    const partition split = shuffled{.seed = random.bits()}.split(ffn, 1 + random.below(owned.neurons));
    const index_t count = 1 + random.below(lanes);
    const auto numbers = random_numbers<float>(random, count * owned.width);
    const matrix_view<const float> tokens{numbers.data(), count, owned.width};
    const oracle_scorer policy{borrow(ffn, split), silu{}, made_for<Phi>(ffn), Reduce{}};
    ASSERT_EQ(policy.experts(), split.experts());
    ASSERT_EQ(policy.width(), owned.width);
    const std::vector<float> scores = scores_of(policy, tokens);
    for (index_t token = 0; token < count; ++token) {
      for (index_t e = 0; e < split.experts(); ++e) {
        std::vector<long double> terms;
        for (index_t neuron : split.expert(e)) {
          long double norm = 0;
          for (index_t i = 0; i < owned.width; ++i) {
            const long double weight = testing::plain_number(owned.down[to_size(i * owned.neurons + neuron)]);
            norm += weight * weight;
          }
          terms.push_back(plain_phi(Phi{}, testing::plain_hidden(owned, silu{}, neuron, tokens.row(token).data()),
                                    std::sqrt(norm)));
        }
        const auto exact = static_cast<double>(plain_reduce(Reduce{}, terms));
        ASSERT_NEAR(static_cast<double>(scores[to_size(token * split.experts() + e)]), exact, 3e-5 * (1 + exact))
            << "trial " << trial;
      }
    }
    expect_same_bits_alone(policy, tokens);
  }
}

TEST(oracle_scorer, sums_magnitudes_unless_told_otherwise) {
  owned_ffn<float> ffn{.width = 1, .neurons = 3};
  ffn.gate = {1, 1, 2};
  ffn.up = {1, -2, 5};
  ffn.down = {1, 1, 1};
  const float token = 1;
  const oracle_scorer policy{borrow(ffn.view(), partition{{{0, 1}, {2}}}), relu{}};
  EXPECT_EQ(scores_of(policy, {&token, 1, 1}), (std::vector<float>{3, 10}));
}

TEST(oracle_scorer, gives_an_expert_with_a_nan_neuron_nan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  owned_ffn<float> ffn{.width = 1, .neurons = 4};
  ffn.up = {nan, 1, 2, 3};
  ffn.down = {1, 1, 1, 1};
  const float token = 1;
  const partition split{{{0, 1}, {2, 3}}};
  for (const auto& scores :
       {scores_of(oracle_scorer{borrow(ffn.view(), split), relu{}}, {&token, 1, 1}),
        scores_of(oracle_scorer{borrow(ffn.view(), split), relu{}, phi::positive{}, reduce::sum{}}, {&token, 1, 1}),
        scores_of(oracle_scorer{borrow(ffn.view(), split), relu{}, phi::absolute{}, reduce::largest{}},
                  {&token, 1, 1})}) {
    EXPECT_TRUE(std::isnan(scores[0]));
    EXPECT_FALSE(std::isnan(scores[1]));
  }
}

TEST(oracle_scorer, refuses_what_does_not_fit_the_layer) {
  random_source random{2};
  const auto owned = testing::random_ffn<float>(random, {.width = 3, .neurons = 6});
  const partition other{{{0, 1}, {2}}};
  EXPECT_EQ(refusal<shape_error>([&] { oracle_scorer(borrow(owned.view(), other), silu{}); }),
            "borrow: experts: expected a partition of 6 neurons, got one of 3; split this layer's own weights");
  const partition split = shuffled{}.split(6, 2);
  EXPECT_EQ(refusal<shape_error>([&] {
              oracle_scorer(borrow(owned.view(), split), silu{}, phi::contribution{.norms = {1, 2}}, reduce::sum{});
            }),
            "oracle_scorer: phi::contribution: norms: expected 6 numbers, one a neuron, got 2; make it of this layer: "
            "phi::contribution::of(ffn)");
  ffn_weights<float> wrong = owned.view();
  wrong.down = {owned.down.data(), 6, 3};
  EXPECT_THROW(oracle_scorer(borrow(wrong, split), silu{}), shape_error);
}

}  // namespace
}  // namespace fissile
