#include <fissile/train/router_values.hpp>

#include "train/problem.hpp"

namespace fissile::testing {
namespace {

/// A tape of a batch whose raw scores are given. [tokens x experts]
struct scored {
  problem<double, double, silu> given;
  decltype(given.layer()) layer = given.layer();
  training_scratch<double> scratch{layer, {.batch = given.batch()}};
  tape<double> remembered{layer, scratch};

  scored(random_source& random, const std::vector<double>& scores, threshold_gate rule)
      : given(random_problem<double, double>(random, {}, silu{}, rule)) {
    remembered.start(given.tokens_view(), rule);
    std::copy(scores.begin(), scores.end(), remembered.scores().data());
    open_gates(remembered);
  }
};

TEST(router_values, are_sigmoids_and_open_one_token_at_a_time) {
  random_source random{1};
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> scores{-1, 0, 1, 2, 3, -inf, -4, -5, -6, inf, 0, 0};
  scored run{random, scores, {.threshold = 0.5f}};
  for (index_t i = 0; i < 12; ++i) {
    EXPECT_EQ(run.remembered.values().data()[i], 1 / (1 + std::exp(-scores[to_size(i)])));
  }
  const auto sigma = [](double score) { return 1 / (1 + std::exp(-score)); };
  const std::vector<double> weights{0, 0, 3 * sigma(1), 1.5 * sigma(2), 1.5 * sigma(3), 0, 0, 0, 0, 3, 0, 0};
  for (index_t i = 0; i < 12; ++i) EXPECT_DOUBLE_EQ(run.remembered.weights().data()[i], weights[to_size(i)]);
  const std::vector<double> factors{3, 1.5, 1, 3};
  for (index_t t = 0; t < 4; ++t) EXPECT_EQ(run.remembered.factors()[t], factors[to_size(t)]);
}

template <class Surrogate>
void expect_formula(random_source& random, const Surrogate& slopes) {
  scored run{random, random_numbers<double>(random, 12), {.threshold = 0.4f}};
  const std::vector<double> weight_gradients = random_numbers<double>(random, 12);
  const std::vector<double> value_gradients = random_numbers<double>(random, 12);
  std::copy(weight_gradients.begin(), weight_gradients.end(), run.remembered.scores().data());
  std::copy(value_gradients.begin(), value_gradients.end(), run.remembered.value_gradients().data());
  open_gates_backward(slopes, run.remembered);
  for (index_t i = 0; i < 12; ++i) {
    const double v = run.remembered.values().data()[i];
    const activity state = v > static_cast<double>(0.4f) ? activity::active : activity::inactive;
    const double by_value = run.remembered.factors()[i / 3] * slopes.slope(v, state) * weight_gradients[to_size(i)] +
                            value_gradients[to_size(i)];
    EXPECT_NEAR(run.remembered.scores().data()[i], by_value * v * (1 - v), 1e-14);
  }
}
TEST(router_values, backward_puts_the_surrogates_slope_for_that_of_the_gate) {
  random_source random{2};
  for (int trial = 0; trial < 20; ++trial) {
    expect_formula(random, straight_through{});
    expect_formula(random, hard{});
    expect_formula(random, clipped{.low = 0.3, .high = 0.7});
  }
}

}  // namespace
}  // namespace fissile::testing
