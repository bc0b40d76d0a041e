// The sparse layer against the formula in long double for any route, and its contracts.
#include <fissile/partition/shuffled.hpp>
#include <fissile/run/sparse_ffn.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"
#include "weights/plain_ffn.hpp"

#include <cmath>

namespace fissile {
namespace {

using testing::random_numbers;
using testing::random_routes;

/// What each neuron's activation is multiplied by under a route.
std::vector<double> shares_of(const route& chosen, const partition& split) {
  std::vector<double> share(to_size(split.neurons()), 0.0);
  for (const choice& c : chosen) {
    for (index_t neuron : split.expert(c.expert)) share[to_size(neuron)] = static_cast<double>(c.weight);
  }
  return share;
}

template <element T, class Activation>
struct of {
  using element_type = T;
  using activation_type = Activation;
};
template <class Case>
class sparse_layers : public ::testing::Test {};
using cases = ::testing::Types<of<float, silu>, of<bf16, gelu>, of<f16, relu2>, of<double, gelu_tanh>, of<float, relu>>;
TYPED_TEST_SUITE(sparse_layers, cases);

TYPED_TEST(sparse_layers, equal_the_formula_for_any_route_and_add_where_asked_to) {
  using T = typename TypeParam::element_type;
  const typename TypeParam::activation_type activate;
  random_source random{1};
  for (int trial = 0; trial < 60; ++trial) {
    const auto ffn = testing::random_ffn<T>(random, testing::random_shape(random));
    const partition split = shuffled{.seed = random.bits()}.split(ffn.neurons, 1 + random.below(ffn.neurons));
    const index_t tokens = random.below(20), in_stride = ffn.width + random.below(3),
                  out_stride = ffn.width + random.below(3);
    const auto x = random_numbers<float>(random, tokens * in_stride);
    const auto residual = random_numbers<float>(random, tokens * out_stride);
    const sparse_ffn run{borrow(ffn.view(), split), activate};
    workspace work{run, {.batch = 20}};
    random_routes(random, work, tokens, random.uniform());
    std::vector<float> y(residual.size(), std::nanf("")), sum = residual;  // what stood in `out` must not matter
    const matrix_view<const float> in{x.data(), tokens, ffn.width, in_stride};
    run(in, work, {y.data(), tokens, ffn.width, out_stride});
    run.accumulate(in, work, {sum.data(), tokens, ffn.width, out_stride});
    for (index_t token = 0; token < tokens; ++token) {
      const std::vector<long double> exact =
          testing::plain_ffn(ffn, activate, in.row(token).data(), shares_of(work.routes()[token], split));
      double scale = 1;
      for (long double output : exact) scale = std::max(scale, static_cast<double>(std::abs(output)));
      for (index_t i = 0; i < out_stride; ++i) {
        const std::size_t at = to_size(token * out_stride + i);
        if (i >= ffn.width) {
          ASSERT_TRUE(std::isnan(y[at]) && sum[at] == residual[at]) << "written between the rows";
          continue;
        }
        ASSERT_NEAR(static_cast<double>(y[at]), static_cast<double>(exact[to_size(i)]), 2e-5 * scale)
            << "trial " << trial;
        ASSERT_NEAR(static_cast<double>(sum[at]), static_cast<double>(exact[to_size(i)] + residual[at]), 2e-5 * scale)
            << "trial " << trial;
      }
    }
  }
}

TEST(sparse_ffn, tells_its_sizes) {
  random_source random{2};
  const auto ffn = testing::random_ffn<float>(random, {.width = 3, .neurons = 10});
  const sparse_ffn run{borrow(ffn.view(), partition{{{0, 1, 2, 3, 4, 5}, {6, 7, 8}, {9}}}), silu{}};
  static_assert(std::same_as<decltype(run)::element_type, float>);
  EXPECT_EQ(run.width(), 3);
  EXPECT_EQ(run.neurons(), 10);
  EXPECT_EQ(run.experts(), 3);
  EXPECT_EQ(run.largest_expert(), 6);
  EXPECT_EQ(run.split().size(1), 3);
}

TEST(sparse_ffn, gives_the_bias_once_where_nothing_is_chosen) {
  random_source random{3};
  const auto ffn = testing::random_ffn<float>(random, {.width = 6, .neurons = 9, .biased = testing::biases::present});
  const sparse_ffn run{borrow(ffn.view(), even_slices{}.split(9, 3)), silu{}};
  workspace work{run, {.batch = 10}};
  const auto x = random_numbers<float>(random, 60);
  std::vector<float> y(60, 5.0f);
  work.start(10);
  work.routes()[4].append({1, 0.0f});  // chosen at weight 0 gives the same
  run({x.data(), 10, 6}, work, {y.data(), 10, 6});
  for (std::size_t at = 0; at < y.size(); ++at) ASSERT_EQ(y[at], ffn.down_bias[at % 6]);
}

TEST(sparse_ffn, adds_to_what_stands_in_out_first) {
  owned_ffn<float> ffn{.width = 1, .neurons = 2};
  ffn.up = {1, 1};
  ffn.down = {0x1p-24f, 0x1p-24f};
  const sparse_ffn run{borrow(ffn.view(), even_slices{}.split(2, 2)), relu{}};
  workspace work{run};
  work.choose_all(1, 2);
  const float x = 1;
  float y = 1;
  // 1 + 2^-24 is a tie that rounds to 1, twice; terms summed by themselves would give 1 + 2^-23.
  run.accumulate({&x, 1, 1}, work, {&y, 1, 1});
  EXPECT_EQ(y, 1);
}

TEST(sparse_ffn, runs_a_stack_as_its_experts_computed_one_by_one) {
  random_source random{4};
  for (const auto gated : {testing::gate::present, testing::gate::absent}) {
    constexpr index_t experts = 4, neurons = 7, width = 5, tokens = 11;
    std::vector<owned_ffn<bf16>> single;
    owned_ffn<bf16> slabs;
    for (index_t e = 0; e < experts; ++e) {
      single.push_back(testing::random_ffn<bf16>(random, {.width = width, .neurons = neurons, .gated = gated}));
      slabs.gate.insert(slabs.gate.end(), single.back().gate.begin(), single.back().gate.end());
      slabs.up.insert(slabs.up.end(), single.back().up.begin(), single.back().up.end());
      slabs.down.insert(slabs.down.end(), single.back().down.begin(), single.back().down.end());
    }
    stacked_ffn_weights<bf16> stack{.up = {slabs.up.data(), experts * neurons, width},
                                    .down = {slabs.down.data(), experts * width, neurons},
                                    .experts = experts};
    if (gated == testing::gate::present) stack.gate = {slabs.gate.data(), experts * neurons, width};
    const sparse_ffn run{borrow(stack), silu{}};
    workspace work{run, {.batch = tokens}};
    random_routes(random, work, tokens, 0.5);
    const auto x = random_numbers<float>(random, tokens * width);
    std::vector<float> y(x.size());
    run({x.data(), tokens, width}, work, {y.data(), tokens, width});
    for (index_t token = 0; token < tokens; ++token) {
      std::vector<long double> expected(to_size(width), 0.0L);
      for (const choice& c : work.routes()[token]) {
        const auto part = testing::plain_ffn(single[to_size(c.expert)], silu{}, x.data() + token * width);
        for (std::size_t i = 0; i < part.size(); ++i) expected[i] += static_cast<long double>(c.weight) * part[i];
      }
      for (std::size_t i = 0; i < expected.size(); ++i) {
        ASSERT_NEAR(static_cast<double>(y[to_size(token * width) + i]), static_cast<double>(expected[i]), 3e-5);
      }
    }
  }
}

TEST(sparse_ffn, a_nan_in_one_token_stays_there) {
  random_source random{5};
  const auto ffn = testing::random_ffn<float>(random, {.width = 4, .neurons = 8});
  const sparse_ffn run{borrow(ffn.view(), even_slices{}.split(8, 2)), silu{}};
  workspace work{run, {.batch = 9}};
  work.choose_all(9, 2);
  auto x = random_numbers<float>(random, 36);
  x[4 * 3 + 1] = std::nanf("");
  std::vector<float> y(36);
  run({x.data(), 9, 4}, work, {y.data(), 9, 4});
  for (std::size_t at = 0; at < y.size(); ++at) ASSERT_EQ(std::isnan(y[at]), at / 4 == 3);
}

class sparse_ffn_death : public ::testing::Test {
protected:
  random_source random{6};
  owned_ffn<float> ffn = testing::random_ffn<float>(random, {.width = 4, .neurons = 12});
  sparse_ffn<borrowed_experts<float>, silu> run{borrow(ffn.view(), even_slices{}.split(12, 3)), silu{}};
  workspace work{run, {.batch = 4}};
  std::vector<float> memory = std::vector<float>(64);
  matrix_view<float> in{memory.data(), 2, 4}, out{memory.data() + 32, 2, 4};

  void SetUp() override { work.choose_all(2, 3); }
};

TEST_F(sparse_ffn_death, shapes_that_do_not_fit_break_the_contract) {
  EXPECT_CONTRACT(run({memory.data(), 2, 5}, work, out));
  EXPECT_CONTRACT(run(in, work, {memory.data() + 32, 2, 5}));
  EXPECT_CONTRACT(run({memory.data(), 3, 4}, work, {memory.data() + 32, 3, 4}));  // two routes, three tokens
  EXPECT_CONTRACT(run(in, work, {memory.data() + 32, 1, 4}));
}

TEST_F(sparse_ffn_death, tokens_and_out_that_overlap_break_the_contract) {
  EXPECT_CONTRACT(run(in, work, in));
  EXPECT_CONTRACT(run(in, work, {memory.data() + 7, 2, 4}));
  EXPECT_CONTRACT(run({memory.data() + 7, 2, 4}, work, in));
  run(in, work, {memory.data() + 8, 2, 4});  // side by side is fine
}

TEST_F(sparse_ffn_death, a_workspace_for_a_smaller_layer_breaks_the_contract) {
  const auto wide = testing::random_ffn<float>(random, {.width = 5, .neurons = 12});
  const sparse_ffn wider{borrow(wide.view(), even_slices{}.split(12, 3)), silu{}};
  EXPECT_CONTRACT(wider({memory.data(), 2, 5}, work, {memory.data() + 32, 2, 5}));
  const auto more = testing::random_ffn<float>(random, {.width = 4, .neurons = 13});
  EXPECT_CONTRACT((sparse_ffn{borrow(more.view(), even_slices{}.split(13, 3)), silu{}}(in, work, out)));
  EXPECT_CONTRACT((sparse_ffn{borrow(ffn.view(), even_slices{}.split(12, 4)), silu{}}(in, work, out)));
  // As many neurons and experts, but one expert larger than any tile was made for.
  const auto many = testing::random_ffn<float>(random, {.width = 4, .neurons = 40});
  const sparse_ffn even{borrow(many.view(), even_slices{}.split(40, 3)), silu{}};
  workspace small{even, {.batch = 2}};
  small.choose_all(2, 3);
  const partition uneven{{ascending(38), {38}, {39}}};
  EXPECT_CONTRACT((sparse_ffn{borrow(many.view(), uneven), silu{}}(in, small, out)));
}

TEST_F(sparse_ffn_death, a_route_to_an_expert_that_is_not_there_breaks_the_contract) {
  const sparse_ffn fewer{borrow(ffn.view(), even_slices{}.split(12, 2)), silu{}};
  workspace roomy{sparse_ffn{borrow(ffn.view(), partition{{{0, 1, 2, 3, 4, 5, 6, 7, 8}, {9}, {10, 11}}}), silu{}},
                  {.batch = 2}};
  roomy.choose_all(2, 2);
  fewer(in, roomy, out);
  roomy.choose_all(2, 3);
  EXPECT_CONTRACT(fewer(in, roomy, out));
}

}  // namespace
}  // namespace fissile
