// The reference itself, against a layer computed by hand and against a second writing of the formula.
#include <fissile/weights/dense_ffn.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"
#include "weights/plain_ffn.hpp"

namespace fissile {
namespace {

using testing::random_numbers;

TEST(dense_ffn, a_gated_layer_by_hand) {
  owned_ffn<float> ffn{.width = 2, .neurons = 3};
  ffn.gate = {1, 0, 0, 1, -1, -1};
  ffn.up = {2, 0, 0, 3, 1, 1};
  ffn.down = {1, 10, 100, 4, 5, 6};
  ffn.gate_bias = {0, 1, 0};
  ffn.up_bias = {1, 0, 0};
  ffn.down_bias = {0.5f, -0.5f};
  const std::vector<float> token{1, 2};
  std::vector<float> out(2);
  dense_ffn(ffn.view(), relu{}, {token.data(), 1, 2}, {out.data(), 1, 2});
  // gate = 1, 3, -3 and up = 3, 6, 3: hidden = 3, 18, 0
  EXPECT_EQ(out, (std::vector<float>{0.5f + 3 + 180, -0.5f + 12 + 90}));
}

TEST(dense_ffn, an_ungated_layer_by_hand) {
  owned_ffn<bf16> ffn{.width = 1, .neurons = 2};
  ffn.up = {to_bf16(2), to_bf16(-3)};
  ffn.down = {to_bf16(1), to_bf16(0.5f)};
  ffn.up_bias = {0, 5};
  const float token = 1;
  float out = -1;
  dense_ffn(ffn.view(), relu2{}, {&token, 1, 1}, {&out, 1, 1});
  EXPECT_EQ(out, 4 + 0.5f * 4);
}

template <class Case>
class dense : public ::testing::Test {};
template <element T, class Activation>
struct of {
  using element_type = T;
  using activation_type = Activation;
};
using cases = ::testing::Types<of<float, silu>, of<bf16, gelu>, of<f16, relu>, of<double, relu2>, of<float, gelu_tanh>>;
TYPED_TEST_SUITE(dense, cases);

TYPED_TEST(dense, equals_a_second_writing_of_the_formula) {
  using T = typename TypeParam::element_type;
  const typename TypeParam::activation_type activate;
  random_source random{1};
  for (int trial = 0; trial < 40; ++trial) {
    const auto ffn = testing::random_ffn<T>(random, testing::random_shape(random));
    const index_t tokens = 1 + random.below(4), in_stride = ffn.width + random.below(3),
                  out_stride = ffn.width + random.below(3);
    const auto x = random_numbers<float>(random, tokens * in_stride);
    std::vector<double> y(to_size(tokens * out_stride), -7);
    std::vector<float> narrow(y.size(), -7);
    dense_ffn<double>(ffn.view(), activate, {x.data(), tokens, ffn.width, in_stride},
                      {y.data(), tokens, ffn.width, out_stride});
    dense_ffn(ffn.view(), activate, {x.data(), tokens, ffn.width, in_stride},
              {narrow.data(), tokens, ffn.width, out_stride});
    for (index_t token = 0; token < tokens; ++token) {
      const std::vector<long double> exact = testing::plain_ffn(ffn, activate, x.data() + token * in_stride);
      for (index_t i = 0; i < out_stride; ++i) {
        const std::size_t at = to_size(token * out_stride + i);
        if (i >= ffn.width) {
          EXPECT_EQ(y[at], -7) << "written between the rows";
          continue;
        }
        EXPECT_NEAR(y[at], static_cast<double>(exact[to_size(i)]), 1e-12) << "trial " << trial;
        EXPECT_NEAR(static_cast<double>(narrow[at]), static_cast<double>(exact[to_size(i)]), 1e-3) << "trial " << trial;
      }
    }
  }
}

TEST(dense_ffn, tokens_may_be_wider_than_float) {
  owned_ffn<double> ffn{.width = 1, .neurons = 1};
  ffn.up = {1};
  ffn.down = {1};
  const double token = 1 + 0x1p-40;
  double out = 0;
  dense_ffn<double, double>(ffn.view(), relu{}, {&token, 1, 1}, {&out, 1, 1});
  EXPECT_EQ(out, token);
}

TEST(dense_ffn, refuses_a_layer_that_does_not_fit_together) {
  const std::vector<float> numbers(6), x(2);
  std::vector<float> y(2);
  const matrix_view<const float> tall{numbers.data(), 3, 2};
  const ffn_weights<float> transposed{tall, tall, tall};
  EXPECT_THROW(dense_ffn(transposed, silu{}, {x.data(), 1, 2}, {y.data(), 1, 2}), shape_error);
}

TEST(dense_ffn_death, shapes_that_do_not_fit_break_the_contract) {
  random_source random{2};
  const auto ffn = testing::random_ffn<float>(random, {.width = 4, .neurons = 3});
  std::vector<float> x(16), y(16);
  EXPECT_CONTRACT(dense_ffn(ffn.view(), silu{}, {x.data(), 2, 5}, {y.data(), 2, 4}));
  EXPECT_CONTRACT(dense_ffn(ffn.view(), silu{}, {x.data(), 2, 4}, {y.data(), 2, 5}));
  EXPECT_CONTRACT(dense_ffn(ffn.view(), silu{}, {x.data(), 2, 4}, {y.data(), 1, 4}));
}

}  // namespace
}  // namespace fissile
