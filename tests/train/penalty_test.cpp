#include <fissile/train/penalty.hpp>

#include "train/plain_layer.hpp"

namespace fissile::testing {
namespace {

using layer_of_doubles = problem<double, double, silu>;

/// A tape that has seen the problem's batch, and what backward makes of a penalty alone.
struct remembered_run {
  const layer_of_doubles& given;
  decltype(given.layer()) layer = given.layer();
  training_scratch<double> scratch{layer, {.batch = given.batch()}};
  tape<double> remembered{layer, scratch};
  std::vector<double> out = std::vector<double>(given.tokens.size());

  explicit remembered_run(const layer_of_doubles& problem) : given(problem) {
    layer.forward(given.tokens_view(), remembered, {out.data(), given.batch(), given.width()});
  }
  std::vector<double> backward_of(const std::vector<double>& out_gradient) {
    gradient_store<double> into{given.ffn, given.experts(), given.batch()};
    layer.backward(remembered, {out_gradient.data(), given.batch(), given.width()}, into.view());
    return into.flat();
  }
};

double value_of(const activity_penalty& penalty, const layer_of_doubles& given) {
  return penalty.value(remembered_run{given}.remembered);
}

/// Small, and no value near the threshold.
layer_of_doubles random_layer(random_source& random, threshold_gate rule) {
  for (;;) {
    const problem_shape shape{.layer = {.width = 1 + random.below(4), .neurons = 5 + random.below(3)},
                              .experts = 1 + random.below(5),
                              .batch = 1 + random.below(6)};
    layer_of_doubles given = random_problem<double, double>(random, shape, silu{}, rule);
    if (!near_threshold(plain(given))) return given;
  }
}

TEST(activity_penalty, is_the_papers_sum) {
  random_source random{1};
  for (int trial = 0; trial < 50; ++trial) {
    const layer_of_doubles given = random_layer(random, {.threshold = static_cast<float>(random.uniform())});
    const auto p = plain(given);
    double sum = 0;
    for (std::size_t t = 0; t < p.tokens.size(); ++t) {
      for (const double v : p.route_of(t).values) sum += v > static_cast<double>(given.rule.threshold) ? v : 0;
    }
    sum /= static_cast<double>(given.experts());
    const auto tokens = static_cast<double>(given.batch());
    EXPECT_NEAR(value_of({}, given), sum / tokens, 1e-13);
    EXPECT_NEAR(value_of({.tokens = token_reduction::sum}, given), sum, 1e-12);
    EXPECT_NEAR(value_of({.weight = 0.3, .layers = 7}, given), 0.3 * sum / tokens / 7, 1e-13);
  }
}

TEST(activity_penalty, lies_between_0_and_1_as_a_mean) {
  random_source random{2};
  for (const float threshold : {-1.0f, 0.0f, 0.5f, 0.9f, 1.0f}) {
    for (int trial = 0; trial < 20; ++trial) {
      layer_of_doubles given =
          random_problem<double, double>(random, random_problem_shape(random), silu{}, {.threshold = threshold});
      for (double& weight : given.router) weight *= 50;
      const double value = value_of({}, given);
      EXPECT_GE(value, 0);
      EXPECT_LE(value, 1);
      EXPECT_TRUE(threshold < 1.0f || value == 0);
      EXPECT_TRUE(threshold > -1.0f || value > 0);
    }
  }
}

TEST(activity_penalty, counts_what_is_above_the_threshold_not_who_works_for_want_of_others) {
  random_source random{3};
  const layer_of_doubles given =
      random_problem<double, double>(random, {}, silu{}, {.threshold = 1.0f, .if_none = nothing_active::strongest});
  EXPECT_EQ(value_of({}, given), 0);
}

TEST(activity_penalty, of_no_tokens_is_zero) {
  random_source random{4};
  const layer_of_doubles given = random_problem<double, double>(random, {}, silu{});
  const auto layer = given.layer();
  training_scratch scratch{layer};
  tape remembered{layer, scratch};
  EXPECT_EQ(activity_penalty{}.value(remembered), 0);
  activity_penalty{}.add_gradient(remembered);
}

/// The gradient of the penalty alone, by backward.
template <class Surrogate>
std::vector<double> gradient_of(const activity_penalty& penalty, const layer_of_doubles& given,
                                const Surrogate& slopes) {
  remembered_run run{given};
  penalty.add_gradient(run.remembered, slopes);
  return run.backward_of(std::vector<double>(given.tokens.size()));
}

TEST(activity_penalty, hard_gradient_is_that_of_the_real_penalty) {
  random_source random{5};
  for (int trial = 0; trial < 60; ++trial) {
    layer_of_doubles given = random_layer(random, {.threshold = 0.55f});
    const activity_penalty penalty{.weight = 1 + random.uniform(),
                                   .layers = 1 + random.below(3),
                                   .tokens = trial % 2 == 0 ? token_reduction::mean : token_reduction::sum};
    const numbers expected = differences(given.parameters(), [&] { return value_of(penalty, given); });
    EXPECT_LT(difference(gradient_of(penalty, given, hard{}), expected), 1e-7);
  }
}

TEST(activity_penalty, straight_through_gradient_is_that_of_the_mean_value) {
  random_source random{6};
  for (int trial = 0; trial < 60; ++trial) {
    layer_of_doubles given = random_layer(random, {.threshold = 0.55f});
    const activity_penalty penalty{.weight = 2};
    const numbers expected = differences(given.parameters(), [&] {  // constants G(v) - v fall out of the gradient
      const auto p = plain(given);
      double sum = 0;
      for (std::size_t t = 0; t < p.tokens.size(); ++t) {
        for (const double v : p.route_of(t).values) sum += v;
      }
      return 2 * sum / static_cast<double>(given.batch() * given.experts());
    });
    EXPECT_LT(difference(gradient_of(penalty, given, straight_through{}), expected), 1e-7);
  }
}

TEST(activity_penalty, adds_to_the_gradient_of_the_loss) {
  random_source random{7};
  const layer_of_doubles given = random_layer(random, {});
  remembered_run run{given};
  std::vector<double> expected = run.backward_of(given.out_gradient);
  const std::vector<double> alone = gradient_of({}, given, hard{});
  for (std::size_t i = 0; i < alone.size(); ++i) expected[i] += alone[i] + alone[i];
  activity_penalty{}.add_gradient(run.remembered);
  activity_penalty{}.add_gradient(run.remembered);
  EXPECT_LT(difference(run.backward_of(given.out_gradient), expected), 1e-13);
}

}  // namespace
}  // namespace fissile::testing
