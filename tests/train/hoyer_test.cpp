#include <fissile/train/hoyer.hpp>

#include "train/problem.hpp"

namespace fissile::testing {
namespace {

/// Activations of a few tokens, with zeros among them.
numbers activations_of(random_source& random, index_t count) {
  numbers a;
  for (index_t i = 0; i < count; ++i) a.push_back(random.below(3) == 0 ? 0.0 : random.normal());
  return a;
}

TEST(hoyer_penalty, is_the_mean_of_squared_ratios) {
  random_source random{1};
  for (int trial = 0; trial < 100; ++trial) {
    const index_t tokens = 1 + random.below(6), neurons = 1 + random.below(10), layers = 1 + random.below(4);
    const numbers a = activations_of(random, tokens * neurons);
    double sum = 0;
    for (index_t t = 0; t < tokens; ++t) {
      double l1 = 0, l2 = 0;
      for (index_t j = 0; j < neurons; ++j) {
        l1 += std::abs(a[to_size(t * neurons + j)]);
        l2 += std::pow(a[to_size(t * neurons + j)], 2);
      }
      sum += l1 * l1 / (l2 + 1e-15);
    }
    const double expected = 0.5 * sum / static_cast<double>(tokens * layers);
    const hoyer_penalty penalty{.weight = 0.5, .layers = layers};
    EXPECT_NEAR(penalty.value(matrix_view<const double>{a.data(), tokens, neurons}), expected, 1e-12 * expected);
  }
}

TEST(hoyer_penalty, counts_the_active_whatever_their_size) {
  random_source random{2};
  for (const double size : {1e-3, 1.0, -50.0}) {
    for (index_t active = 0; active <= 7; ++active) {
      numbers a(7, 0.0);
      std::fill_n(a.begin(), active, size);
      const double value = hoyer_penalty{}.value(matrix_view<const double>{a.data(), 1, 7});
      EXPECT_NEAR(value, static_cast<double>(active), 1e-7);
    }
  }
  for (int trial = 0; trial < 100; ++trial) {
    numbers a = activations_of(random, 9);
    a[0] = 1;
    const auto active = static_cast<double>(std::count_if(a.begin(), a.end(), [](double x) { return x != 0; }));
    const double value = hoyer_penalty{}.value(matrix_view<const double>{a.data(), 1, 9});
    EXPECT_GE(value, 1 - 1e-12);
    EXPECT_LE(value, active + 1e-12) << "the inequality of Cauchy and Schwarz";
  }
}

TEST(hoyer_penalty, has_the_gradient_of_its_value) {
  random_source random{3};
  for (int trial = 0; trial < 60; ++trial) {
    const index_t tokens = 1 + random.below(4), neurons = 1 + random.below(8);
    numbers a = activations_of(random, tokens * neurons);
    if (trial % 4 != 0) {
      for (double& x : a) x = x == 0 ? 0.3 : x;  // at 0 the magnitude has a kink
    }
    const hoyer_penalty penalty{.weight = 0.7, .layers = 3};
    const auto value = [&] { return penalty.value(matrix_view<const double>{a.data(), tokens, neurons}); };
    std::vector<double*> parameters;
    for (double& x : a) parameters.push_back(&x);
    numbers expected = differences(parameters, value);
    numbers got(a.size(), 0.25);
    penalty.add_gradient(matrix_view<const double>{a.data(), tokens, neurons},
                         matrix_view<double>{got.data(), tokens, neurons});
    for (std::size_t i = 0; i < a.size(); ++i) {
      got[i] -= 0.25;  // it adds
      if (a[i] == 0) {
        EXPECT_EQ(got[i], 0);
        expected[i] = 0;
      }
    }
    if (std::any_of(expected.begin(), expected.end(), [](double g) { return std::abs(g) > 1e-6; })) {
      EXPECT_LT(difference(got, expected), 1e-6) << "trial " << trial;
    }
  }
}

TEST(hoyer_penalty, does_the_same_in_float_and_nothing_without_tokens) {
  const std::vector<float> a{1, -2, 0, 0.5f};
  std::vector<float> gradient(4);
  const matrix_view<const float> view{a.data(), 2, 2};
  EXPECT_NEAR(hoyer_penalty{}.value(view), (9.0 / 5 + 1) / 2, 1e-7);
  hoyer_penalty{}.add_gradient(view, matrix_view<float>{gradient.data(), 2, 2});
  EXPECT_NEAR(gradient[0], 0.24f, 1e-6f);  // by hand: 2 * 3/5 * (1 - 3/5) / 2 tokens
  EXPECT_NEAR(gradient[1], 0.12f, 1e-6f);
  EXPECT_NEAR(gradient[3], 0.0f, 1e-6f) << "alone in its token: its size does not matter";
  EXPECT_EQ(hoyer_penalty{}.value(matrix_view<const float>{}), 0);
}

}  // namespace
}  // namespace fissile::testing
