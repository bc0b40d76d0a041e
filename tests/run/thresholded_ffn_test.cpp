// The thresholded layer against the formula in long double, with what is left out decided by the test itself.
#include <fissile/run/thresholded_ffn.hpp>
#include <fissile/weights/exactness.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"
#include "weights/plain_ffn.hpp"

#include <cstring>
#include <limits>

namespace fissile {
namespace {

using testing::random_numbers;

/// One token as TEAL and CATS do it: what is not above its threshold is 0, and then everything is computed.
/// Returns nothing where a magnitude lies so near a threshold that float and long double may disagree.
template <element T, class Activation>
std::vector<long double> plain_thresholded(const owned_ffn<T>& ffn, Activation activate, const float* x,
                                           const activation_thresholds& at) {
  bool near = false;
  const auto kept = [&](long double value, float threshold) {
    const auto t = static_cast<long double>(threshold);
    near = near || (threshold >= 0 && std::abs(std::abs(value) - t) < 1e-4L);
    return std::abs(value) <= t ? 0.0L : value;
  };
  const auto product = [&](const std::vector<T>& rows, const auto& bias, index_t j, float threshold) {
    long double sum = bias.empty() ? 0.0L : static_cast<long double>(bias[to_size(j)]);
    for (index_t i = 0; i < ffn.width; ++i) {
      if (std::abs(x[i]) <= threshold) continue;  // these are the same floats
      sum += testing::plain_number(rows[to_size(j * ffn.width + i)]) * static_cast<long double>(x[i]);
    }
    return sum;
  };
  std::vector<long double> hidden;
  for (index_t j = 0; j < ffn.neurons; ++j) {
    const long double up = product(ffn.up, ffn.up_bias, j, at.up_input);
    const bool gated = !ffn.gate.empty();
    const long double inner = gated ? product(ffn.gate, ffn.gate_bias, j, at.gate_input) : up;
    const long double a = kept(testing::plain(activate, inner), at.activated);
    hidden.push_back(a == 0 ? 0.0L : kept(gated ? a * up : a, at.down_input));
  }
  std::vector<long double> out;
  for (index_t i = 0; i < ffn.width; ++i) {
    out.push_back(ffn.down_bias.empty() ? 0.0L : static_cast<long double>(ffn.down_bias[to_size(i)]));
    for (index_t j = 0; j < ffn.neurons; ++j) {
      out.back() += testing::plain_number(ffn.down[to_size(i * ffn.neurons + j)]) * hidden[to_size(j)];
    }
  }
  return near ? std::vector<long double>{} : out;
}

template <element T, class Activation>
struct thresholded_case {
  using element_type = T;
  using activation_type = Activation;
};
template <class Case>
class thresholded_layers : public ::testing::Test {};
using thresholded_cases = ::testing::Types<thresholded_case<float, silu>, thresholded_case<bf16, gelu>,
                                           thresholded_case<f16, relu>, thresholded_case<double, relu2>>;
TYPED_TEST_SUITE(thresholded_layers, thresholded_cases);

TYPED_TEST(thresholded_layers, are_the_dense_layer_while_thresholds_are_negative) {
  using T = typename TypeParam::element_type;
  const typename TypeParam::activation_type activate;
  random_source random{1};
  for (int trial = 0; trial < 40; ++trial) {
    const auto owned = testing::random_ffn<T>(random, testing::random_shape(random));
    const index_t tokens = 1 + random.below(6);
    const auto x = random_numbers<float>(random, tokens * owned.width);
    std::vector<float> y(x.size(), std::nanf(""));
    const matrix_view<const float> in{x.data(), tokens, owned.width};
    const thresholded_ffn run{owned.view(), activate};
    thresholded_scratch scratch{run};
    const skipped_counts counts = run(in, scratch, {y.data(), tokens, owned.width});
    EXPECT_LE(exactness(owned.view(), activate, in, matrix_view<const float>{y.data(), tokens, owned.width}),
              exactness_bound);
    EXPECT_EQ(counts.gate_inputs + counts.up_inputs + counts.neurons + counts.down_inputs, 0u);
    EXPECT_EQ(counts.products, counts.dense);
    EXPECT_EQ(counts.active_share(), 1.0);
  }
}

TYPED_TEST(thresholded_layers, leave_out_what_is_not_above_its_threshold) {
  using T = typename TypeParam::element_type;
  const typename TypeParam::activation_type activate;
  random_source random{2};
  int compared = 0;
  for (int trial = 0; trial < 150; ++trial) {
    const auto owned = testing::random_ffn<T>(random, testing::random_shape(random));
    const auto some = [&](double most) {
      return random.below(3) == 0 ? -1.0f : static_cast<float>(most * random.uniform());
    };
    const activation_thresholds at{
        .gate_input = some(1), .up_input = some(1), .activated = some(0.4), .down_input = some(0.4)};
    const auto x = random_numbers<float>(random, owned.width);
    auto y = random_numbers<float>(random, owned.width);
    const std::vector<float> before = y;
    const thresholded_ffn run{owned.view(), activate, at};
    thresholded_scratch scratch{run};
    run.accumulate({x.data(), 1, owned.width}, scratch, {y.data(), 1, owned.width});
    const std::vector<long double> expected = plain_thresholded(owned, activate, x.data(), at);
    if (expected.empty()) continue;
    ++compared;
    for (index_t i = 0; i < owned.width; ++i) {
      const auto exact = static_cast<double>(expected[to_size(i)]) + static_cast<double>(before[to_size(i)]);
      ASSERT_NEAR(static_cast<double>(y[to_size(i)]), exact, 2e-4 * (1 + std::abs(exact))) << "trial " << trial;
    }
  }
  EXPECT_GT(compared, 100);
}

TEST(thresholded_ffn, counts_what_it_skips) {
  random_source random{3};
  for (const testing::gate gated : {testing::gate::present, testing::gate::absent}) {
    const auto owned = testing::random_ffn<float>(random, {.width = 12, .neurons = 30, .gated = gated});
    const auto x = random_numbers<float>(random, 7 * 12);
    std::vector<float> y(x.size());
    const activation_thresholds at{.gate_input = 0.3f, .up_input = 0.5f, .activated = 0.05f, .down_input = 0.1f};
    const thresholded_ffn run{owned.view(), silu{}, at};
    thresholded_scratch scratch{run};
    skipped_counts expected, seen;
    const skipped_counts counts =
        run({x.data(), 7, 12}, scratch, {y.data(), 7, 12},
            [&](vector_view<const float> token, vector_view<const float> activated,
                vector_view<const float> hidden) noexcept {
              const auto within = [](vector_view<const float> numbers, float threshold) {
                return static_cast<std::uint64_t>(std::count_if(
                    numbers.begin(), numbers.end(), [&](float number) { return std::abs(number) <= threshold; }));
              };
              const std::uint64_t gate_skipped = within(token, at.gate_input), up_skipped = within(token, at.up_input),
                                  neurons = within(activated, at.activated), down = within(hidden, at.down_input);
              ASSERT_EQ(activated.length(), 30);
              ASSERT_EQ(hidden.length(), 30 - static_cast<index_t>(neurons));
              skipped_counts one{.tokens = 1, .up_inputs = up_skipped, .neurons = neurons, .down_inputs = down};
              if (gated == testing::gate::present) {
                one.gate_inputs = gate_skipped;
                one.products = 30 * (12 - gate_skipped) + (30 - neurons) * (12 - up_skipped);
                one.dense = 3 * 30 * 12;
              } else {
                one.products = 30 * (12 - up_skipped);
                one.dense = 2 * 30 * 12;
              }
              one.products += 12 * (30 - neurons - down);
              expected += one;
            });
    EXPECT_EQ(counts, expected);
    EXPECT_EQ(counts.tokens, 7u);
    EXPECT_GT(counts.neurons, 0u);
    EXPECT_GT(counts.down_inputs, 0u);
    EXPECT_LT(counts.active_share(), 0.9);
    for (index_t token = 0; token < 7; ++token) {
      seen += run({x.data() + token * 12, 1, 12}, scratch, {y.data() + token * 12, 1, 12});
    }
    EXPECT_EQ(seen, counts) << "counts add up";
  }
}

TEST(thresholded_ffn, shows_all_activations_to_who_calibrates) {
  random_source random{4};
  const auto owned = testing::random_ffn<float>(random, {.width = 5, .neurons = 9});
  const auto x = random_numbers<float>(random, 5);
  std::vector<float> y(5);
  const thresholded_ffn run{owned.view(), silu{}};
  thresholded_scratch scratch{run};
  int calls = 0;
  run({x.data(), 1, 5}, scratch, {y.data(), 1, 5},
      [&](vector_view<const float> token, vector_view<const float> activated,
          vector_view<const float> hidden) noexcept {
        ++calls;
        EXPECT_EQ(token.data(), x.data());
        for (index_t j = 0; j < 9; ++j) {
          double inner = 0;
          for (index_t i = 0; i < 5; ++i) {
            inner += static_cast<double>(owned.gate[to_size(j * 5 + i)]) * static_cast<double>(x[to_size(i)]);
          }
          EXPECT_NEAR(static_cast<double>(activated[j]), silu{}(inner), 1e-6);
          EXPECT_NEAR(hidden[j], hidden_of<float>(owned.view(), silu{}, j, x.data()), 1e-6f);
        }
      });
  EXPECT_EQ(calls, 1);
}

TEST(thresholded_ffn, has_the_same_bits_for_any_batch) {
  random_source random{5};
  for (int trial = 0; trial < 20; ++trial) {
    const auto owned = testing::random_ffn<bf16>(random, testing::random_shape(random));
    const index_t tokens = 1 + random.below(10), width = owned.width;
    const auto x = random_numbers<float>(random, tokens * width);
    std::vector<float> together(x.size()), alone(x.size());
    const thresholded_ffn run{owned.view(), gelu{}, {.up_input = 0.2f, .activated = 0.05f}};
    thresholded_scratch scratch{run};
    run({x.data(), tokens, width}, scratch, {together.data(), tokens, width});
    for (index_t token = tokens - 1; token >= 0; --token) {
      run({x.data() + token * width, 1, width}, scratch, {alone.data() + token * width, 1, width});
    }
    ASSERT_EQ(std::memcmp(together.data(), alone.data(), x.size() * sizeof(float)), 0);
  }
}

TEST(thresholded_ffn, shows_a_nan_and_leaves_everything_out_where_told) {
  random_source random{6};
  const auto owned = testing::random_ffn<float>(random, {.width = 4, .neurons = 6, .biased = testing::biases::present});
  std::vector<float> x = random_numbers<float>(random, 4), y(4);
  const thresholded_ffn nothing{owned.view(), silu{}, {.down_input = std::numeric_limits<float>::infinity()}};
  thresholded_scratch scratch{nothing};
  EXPECT_EQ(nothing({x.data(), 1, 4}, scratch, {y.data(), 1, 4}).down_inputs, 6u);
  EXPECT_EQ(y, owned.down_bias) << "only the bias is left";
  x[2] = std::nanf("");
  const thresholded_ffn run{owned.view(), silu{}, {.gate_input = 9, .up_input = 9, .activated = 9}};
  run({x.data(), 1, 4}, scratch, {y.data(), 1, 4});
  for (const float out : y) EXPECT_TRUE(std::isnan(out));
}

TEST(thresholded_ffn, refuses_and_guards_as_the_other_layers_do) {
  random_source random{7};
  const auto owned = testing::random_ffn<float>(random, {.width = 4, .neurons = 6});
  ffn_weights<float> wrong = owned.view();
  wrong.down = {owned.down.data(), 6, 4};
  EXPECT_THROW(thresholded_ffn(wrong, silu{}), shape_error);
  const thresholded_ffn run{owned.view(), silu{}};
  const auto small_owned = testing::random_ffn<float>(random, {.width = 4, .neurons = 5});
  thresholded_scratch scratch{run}, small{thresholded_ffn{small_owned.view(), silu{}}};
  std::vector<float> x(8), y(8);
  EXPECT_CONTRACT(run({x.data(), 1, 4}, small, {y.data(), 1, 4}));
  EXPECT_CONTRACT(run({x.data(), 2, 4}, scratch, {y.data(), 1, 4}));
  EXPECT_CONTRACT(run({x.data(), 1, 4}, scratch, {x.data() + 3, 1, 4}));
}

}  // namespace
}  // namespace fissile
