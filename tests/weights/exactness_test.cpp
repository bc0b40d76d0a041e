// The number the whole library is measured by must itself be right: 0 where nothing differs, and quick to tell.
#include <fissile/weights/exactness.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"
#include "weights/plain_ffn.hpp"

namespace fissile {
namespace {

using testing::random_numbers;

constexpr double infinity = std::numeric_limits<double>::infinity();

/// One token, exactness of a given output.
template <element T, class Activation>
double measured(const owned_ffn<T>& ffn, Activation activate, const std::vector<float>& tokens,
                const std::vector<float>& outputs) {
  const index_t rows = length(tokens) / ffn.width;
  return exactness(ffn.view(), activate, {tokens.data(), rows, ffn.width}, {outputs.data(), rows, ffn.width});
}

/// Two inputs, two neurons, every bias; numbers small enough to do it by hand.
owned_ffn<float> small_layer() {
  owned_ffn<float> ffn{.width = 2, .neurons = 2};
  ffn.gate = {1, -1, 2, 1};
  ffn.up = {3, 1, -1, 1};
  ffn.down = {1, -2, 4, 8};
  ffn.gate_bias = {-1, 3};
  ffn.up_bias = {2, -2};
  ffn.down_bias = {-5, 6};
  return ffn;
}
const std::vector<float> small_token{2, -3};
// gate = 2 + 3 - 1, 4 - 3 + 3 = 4, 4; up = 6 - 3 + 2, -2 - 3 - 2 = 5, -7; relu: hidden = 20, -28
const std::vector<float> small_output{-5 + 20 + 56, 6 + 80 - 224};

TEST(exactness, is_0_for_equal_outputs) {
  EXPECT_EQ(measured(small_layer(), relu{}, small_token, small_output), 0);
}

TEST(exactness, is_the_distance_over_the_scale_that_does_not_cancel) {
  const std::vector<float> off{small_output[0] + 3, small_output[1] - 4};
  // G = 2 + 3 + 1, 4 + 3 + 3 = 6, 10; U = 6 + 3 + 2, 2 + 3 + 2 = 11, 7; G * U = 66, 70
  const double first = 5 + 1 * 66 + 2 * 70, second = 6 + 4 * 66 + 8 * 70;
  EXPECT_DOUBLE_EQ(measured(small_layer(), relu{}, small_token, off), 5 / std::hypot(first, second));
}

TEST(exactness, squares_the_gate_for_relu2) {
  // hidden = 16 * 5, 16 * -7
  const std::vector<float> off{-5 + 80 + 224 + 1, 6 + 320 - 896};
  const double first = 5 + 1 * 36 * 11 + 2 * 100 * 7, second = 6 + 4 * 36 * 11 + 8 * 100 * 7;
  EXPECT_DOUBLE_EQ(measured(small_layer(), relu2{}, small_token, off), 1 / std::hypot(first, second));
}

TEST(exactness, without_a_gate_uses_up_alone) {
  owned_ffn<float> ffn = small_layer();
  ffn.gate.clear();
  ffn.gate_bias.clear();
  const std::vector<float> off{-5 + 5 + 2, 6 + 20};  // hidden = 5, 0
  EXPECT_DOUBLE_EQ(measured(ffn, relu{}, small_token, off), 2 / std::hypot(5.0 + 1 * 11 + 2 * 7, 6.0 + 4 * 11 + 8 * 7));
}

TEST(exactness, is_that_of_the_worst_token) {
  std::vector<float> tokens, outputs;
  for (int token = 0; token < 3; ++token) {
    tokens.insert(tokens.end(), small_token.begin(), small_token.end());
    outputs.insert(outputs.end(), small_output.begin(), small_output.end());
  }
  outputs[0] += 1;
  outputs[3] += 3;
  outputs[4] += 2;
  const double scale = std::hypot(211.0, 830.0);
  EXPECT_DOUBLE_EQ(measured(small_layer(), relu{}, tokens, outputs), 3 / scale);
}

TEST(exactness, of_no_token_is_0) {
  EXPECT_EQ(measured(small_layer(), relu{}, {}, {}), 0);
}

TEST(exactness, is_infinite_where_an_output_is_no_finite_number) {
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(measured(small_layer(), relu{}, small_token, {small_output[0], odd}), infinity);
    EXPECT_EQ(measured(small_layer(), relu{}, {2, odd}, small_output), infinity);
  }
}

TEST(exactness, of_a_layer_of_zeros) {
  owned_ffn<float> ffn{.width = 1, .neurons = 1};
  ffn.up = ffn.down = {0};
  EXPECT_EQ(measured(ffn, silu{}, {1}, {0}), 0);
  EXPECT_EQ(measured(ffn, silu{}, {1}, {1}), infinity);
}

/// Float rounding stays far below the bound, and a single neuron left out stands far above it.
TEST(exactness, tells_rounding_from_a_lost_neuron) {
  random_source random{1};
  for (int trial = 0; trial < 60; ++trial) {
    const auto ffn = testing::random_ffn<float>(random, testing::random_shape(random));
    const auto token = random_numbers<float>(random, ffn.width);
    std::vector<float> out(to_size(ffn.width));
    const matrix_view<float> written{out.data(), 1, ffn.width};
    dense_ffn(ffn.view(), silu{}, {token.data(), 1, ffn.width}, written);
    EXPECT_LE(measured(ffn, silu{}, token, out), exactness_bound / 10);
    owned_ffn<float> broken = ffn;
    const index_t lost = random.below(ffn.neurons);
    for (index_t i = 0; i < ffn.width; ++i) broken.down[to_size(i * ffn.neurons + lost)] = 0;
    dense_ffn(broken.view(), silu{}, {token.data(), 1, ffn.width}, written);
    EXPECT_GT(measured(ffn, silu{}, token, out), exactness_bound) << "trial " << trial;
  }
}

/// A relative error would be large by chance where an output nearly cancels; this one is not.
TEST(exactness, does_not_flake_where_outputs_cancel) {
  owned_ffn<float> ffn{.width = 1, .neurons = 2};
  ffn.up = {1, 1};
  ffn.down = {1, -1 + 0x1p-20f};
  const float exact = 3 * 0x1p-20f;
  EXPECT_LE(measured(ffn, relu{}, {3}, {exact * 1.001f}), exactness_bound);
}

/// What the bound does not promise, and its doc comment tells.
TEST(exactness, of_many_equal_terms_is_that_of_a_long_sum) {
  constexpr index_t neurons = 11008;
  const owned_ffn<float> ffn{.width = 1,
                             .neurons = neurons,
                             .gate = {},
                             .up = std::vector<float>(neurons, 1.0f),
                             .down = std::vector<float>(neurons, 0.1f)};
  float sum = 0;
  for (index_t j = 0; j < neurons; ++j) sum += 0.1f;
  const double found = measured(ffn, relu{}, {1}, {sum});
  EXPECT_GT(found, exactness_bound);
  EXPECT_LT(found, neurons * 0x1p-24);
}

TEST(exactness, refuses_a_layer_that_does_not_fit_together) {
  const std::vector<float> numbers(6), x(2);
  const matrix_view<const float> tall{numbers.data(), 3, 2};
  const ffn_weights<float> transposed{tall, tall, tall};
  EXPECT_THROW(exactness(transposed, silu{}, {x.data(), 1, 2}, {x.data(), 1, 2}), shape_error);
}

TEST(exactness_death, shapes_that_do_not_fit_break_the_contract) {
  const owned_ffn<float> ffn = small_layer();
  std::vector<float> x(8), y(8);
  EXPECT_CONTRACT(exactness(ffn.view(), relu{}, {x.data(), 2, 2}, {y.data(), 1, 2}));
  EXPECT_CONTRACT(exactness(ffn.view(), relu{}, {x.data(), 2, 2}, {y.data(), 2, 1}));
  EXPECT_CONTRACT(exactness(ffn.view(), relu{}, {x.data(), 2, 3}, {y.data(), 2, 3}));
}

}  // namespace
}  // namespace fissile
