// Awareness by the library's own backward: exact ablation where the loss is linear, nearly its order where it is not;
// and what was not detected does not learn.
#include <fissile/recipes/landermt.hpp>
#include <fissile/train/flat_layer.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace landermt_tests {

using testing::refusal;

/// A layer and a batch; losses of its outputs are the tests'.
struct watched_layer {
  owned_ffn<double> ffn;
  std::vector<double> tokens;

  watched_layer(random_source& random, testing::layer_shape shape, index_t batch)
      : ffn(testing::random_ffn<double>(random, shape)),
        tokens(testing::random_numbers<double>(random, batch * shape.width)) {}

  index_t batch() const { return length(tokens) / ffn.width; }
  /// The outputs when the neuron, if there is such, is silent.
  std::vector<double> outputs(index_t silent = -1) const {
    owned_ffn<double> without = ffn;
    for (index_t i = 0; silent >= 0 && i < ffn.width; ++i) without.down[to_size(i * ffn.neurons + silent)] = 0;
    std::vector<double> y(tokens.size());
    dense_ffn<double, double>(without.view(), silu{}, {tokens.data(), batch(), ffn.width},
                              {y.data(), batch(), ffn.width});
    return y;
  }
  /// By the library's own backward, all tokens as one batch.
  landermt::awareness aware(const std::vector<double>& slopes) const {
    landermt::awareness found{{.labels = {"en-de"}, .neurons = ffn.neurons}};
    const dense_layer<double, double, silu> layer{ffn.view(), silu{}};
    training_scratch scratch{layer, {.batch = batch()}};
    dense_tape remembered{layer, scratch};
    std::vector<double> y(tokens.size());
    layer.forward({tokens.data(), batch(), ffn.width}, remembered, {y.data(), batch(), ffn.width});
    layer.backward(remembered, {slopes.data(), batch(), ffn.width}, {});
    found.add(0, std::as_const(remembered).hidden(), std::as_const(remembered).hidden_gradients());
    return found;
  }
};

/// 1 where the orders are the same; no ties.
double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const auto ranks = [](const std::vector<double>& numbers) {
    std::vector<double> made;
    for (const double x : numbers) {
      made.push_back(
          static_cast<double>(std::count_if(numbers.begin(), numbers.end(), [&](double y) { return y < x; })));
    }
    return made;
  };
  const std::vector<double> ra = ranks(a), rb = ranks(b);
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (ra[i] - rb[i]) * (ra[i] - rb[i]);
  const auto n = static_cast<double>(a.size());
  return 1 - 6 * squares / (n * (n * n - 1));
}

TEST(landermt, awareness_is_exact_ablation_where_the_loss_is_linear) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    random_source random{seed};
    const watched_layer given{random, testing::random_shape(random), 1};
    const std::vector<double> slopes = testing::random_numbers<double>(random, given.ffn.width);
    const auto loss = [&](const std::vector<double>& y) {
      return std::inner_product(y.begin(), y.end(), slopes.begin(), 0.0);
    };
    const landermt::awareness found = given.aware(slopes);
    for (index_t j = 0; j < given.ffn.neurons; ++j) {
      EXPECT_NEAR(found.theta()(0, j), std::abs(loss(given.outputs(j)) - loss(given.outputs())), 1e-11);
    }
  }
}

TEST(landermt, awareness_orders_neurons_nearly_as_ablation_does_where_the_loss_is_curved) {
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    random_source random{seed};
    const watched_layer given{random, {.width = 16, .neurons = 48}, 1};
    const std::vector<double> target = testing::random_numbers<double>(random, 16, 2);
    const auto loss = [&](const std::vector<double>& y) {
      double squares = 0;
      for (std::size_t i = 0; i < y.size(); ++i) squares += (y[i] - target[i]) * (y[i] - target[i]) / 2;
      return squares;
    };
    std::vector<double> slopes = given.outputs(), exact, theta;
    for (std::size_t i = 0; i < slopes.size(); ++i) slopes[i] -= target[i];
    const landermt::awareness found = given.aware(slopes);
    for (index_t j = 0; j < 48; ++j) {
      exact.push_back(std::abs(loss(given.outputs(j)) - loss(given.outputs())));
      theta.push_back(found.theta()(0, j));
    }
    EXPECT_NE(theta, exact);
    sum += spearman(theta, exact) / 20;
  }
  EXPECT_GT(sum, 0.9);
}

TEST(landermt, batches_count_alike_or_by_their_tokens) {
  const std::vector<double> h{1, -2, 3, 4, 0.5, -1}, g{1, 1, -1, 0.5, 2, 2};  // [3 x 2]
  const matrix_view<const double> hidden{h.data(), 3, 2}, gradients{g.data(), 3, 2};
  for (const bool total : {false, true}) {
    using landermt::reduction;
    landermt::awareness found{{.labels = {"a", "b"}, .neurons = 2},
                              {.reduction = total ? reduction::total : reduction::mean_of_batches}};
    found.add("b", hidden.rows(0, 2), gradients.rows(0, 2));
    found.add("b", hidden.rows(2, 1), gradients.rows(2, 1));
    const double first = total ? 1 : 0.5;
    EXPECT_EQ(found.theta()(1, 0), first * (1 + 3) + 1);
    EXPECT_EQ(found.theta()(1, 1), first * (2 + 2) + 2);
    EXPECT_EQ(found.theta()(0, 0), 0);
  }
  landermt::awareness found{{.labels = {"a"}, .neurons = 1}};
  const double nan = std::numeric_limits<double>::quiet_NaN(), one = 1;
  found.add(0, matrix_view<const double>{&nan, 1, 1}, matrix_view<const double>{&one, 1, 1});
  EXPECT_EQ(found.undefined(), 1u);
  EXPECT_EQ(found.theta()(0, 0), 0);
}

TEST(landermt, awareness_of_parts_merges) {
  random_source random{6};
  const auto h = testing::random_numbers<double>(random, 12), g = testing::random_numbers<double>(random, 12);
  const matrix_view<const double> hidden{h.data(), 6, 2}, gradients{g.data(), 6, 2};
  const importance_settings settings{.labels = {"a", "b"}, .neurons = 2};
  landermt::awareness one{settings}, left{settings}, right{settings};
  for (index_t part = 0; part < 3; ++part) {
    one.add(part % 2, hidden.rows(2 * part, 2), gradients.rows(2 * part, 2));
    (part < 1 ? left : right).add(part % 2, hidden.rows(2 * part, 2), gradients.rows(2 * part, 2));
  }
  left.merge(right);
  for (index_t pair = 0; pair < 2; ++pair) {
    for (index_t j = 0; j < 2; ++j) EXPECT_NEAR(left.theta()(pair, j), one.theta()(pair, j), 1e-12);
  }
  EXPECT_EQ(left.tokens("a"), 4u);
  EXPECT_EQ(left.tokens(1), 2u);
  landermt::awareness guide{{.labels = {"a", "b"}, .neurons = 2, .corpus = "guide"}},
      web{{.labels = {"a", "b"}, .neurons = 2, .corpus = "web"}};
  web.add("b", hidden, gradients);
  guide.merge(web);
  guide.merge(web);
  EXPECT_EQ(guide.corpus(), "guide + web");
  EXPECT_EQ(guide.tokens("b"), 12u);
  EXPECT_EQ(guide.theta()(1, 1), 2 * web.theta()(1, 1));
}

TEST(landermt, awareness_says_what_differs) {
  landermt::awareness one{{.labels = {"a", "b"}, .neurons = 2}};
  const landermt::awareness other_pairs{{.labels = {"a"}, .neurons = 2}},
      other_neurons{{.labels = {"a", "b"}, .neurons = 3}},
      other_reduction{{.labels = {"a", "b"}, .neurons = 2}, {.reduction = landermt::reduction::total}};
  EXPECT_EQ(refusal<shape_error>([&] { one.merge(other_pairs); }),
            "landermt::awareness::merge: pairs: expected a, b, got a");
  EXPECT_EQ(refusal<shape_error>([&] { one.merge(other_neurons); }),
            "landermt::awareness::merge: neurons: expected 2, got 3");
  EXPECT_EQ(refusal<shape_error>([&] { one.merge(other_reduction); }),
            "landermt::awareness::merge: reduction: expected mean_of_batches, got total");
  EXPECT_EQ(refusal<setting_error>([] { landermt::awareness{{.labels = {"a"}, .neurons = 0}}; }),
            "landermt::awareness: neurons: expected at least 1, got 0");
  EXPECT_EQ(refusal<setting_error>([] { landermt::awareness{{.labels = {}, .neurons = 1}}; }),
            "landermt::awareness: labels: expected at least one label, none empty, each once, got none");
}

TEST(landermt, awareness_is_what_neuron_importance_finds_batch_by_batch) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    random_source random{seed};
    const importance_settings settings{.labels = {"a", "b"}, .neurons = 1 + random.below(9)};
    landermt::awareness found{settings};
    std::vector<double> expected(to_size(2 * settings.neurons), 0.0);
    std::uint64_t undefined = 0;
    for (int batch = 0; batch < 5; ++batch) {
      const index_t rows = random.below(6), pair = random.below(2);  // a batch may be empty
      auto h = testing::random_numbers<float>(random, rows * settings.neurons);
      const auto g = testing::random_numbers<float>(random, rows * settings.neurons);
      if (rows > 0) h[0] = batch == 1 ? std::numeric_limits<float>::infinity() : h[0];
      const matrix_view<const float> hidden{h.data(), rows, settings.neurons}, slopes{g.data(), rows, settings.neurons};
      found.add(pair, hidden, slopes);
      neuron_importance one{settings};
      one.add(pair, hidden, slopes);
      undefined += one.undefined(pair);
      const std::vector<double> means = one.scores();
      for (std::size_t i = 0; i < means.size(); ++i) expected[i] += means[i];
    }
    const double* theta = found.theta().data();
    EXPECT_EQ(std::vector<double>(theta, theta + expected.size()), expected);
    EXPECT_EQ(found.undefined(), undefined);
  }
}

TEST(landermt, what_was_not_detected_keeps_its_bits_over_a_training) {
  random_source random{5};
  const watched_layer given{random, {.width = 8, .neurons = 40, .biased = testing::biases::present}, 6};
  std::vector<double> numbers = flatten<double>(given.ffn.view()), gradients(numbers.size());
  const std::vector<double> before = numbers;
  const auto parts = parts_of(vector_view<double>(numbers), given.ffn.view());
  const auto slopes = parts_of(vector_view<double>(gradients), given.ffn.view());
  const auto target = testing::random_numbers<double>(random, length(given.tokens));
  const auto groups = landermt::groups_of(given.aware(target).theta(), {.general = 0.3});
  masked_adam<double> learn{landermt::mask(groups, 0, 40), parts};
  const dense_layer<double, double, silu> layer{weights_of(parts), silu{}};
  training_scratch scratch{layer, {.batch = 6}};
  dense_tape remembered{layer, scratch};
  std::vector<double> y(given.tokens.size());
  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    layer.forward({given.tokens.data(), 6, 8}, remembered, {y.data(), 6, 8});
    last = 0;
    for (std::size_t i = 0; i < y.size(); ++i) last += (y[i] -= target[i]) * y[i];
    if (step == 0) first = last;
    std::fill(gradients.begin(), gradients.end(), 0.0);
    layer.backward(remembered, {y.data(), 6, 8}, slopes);
    learn.step(adam{.rate = 0.01, .weight_decay = 0.1}, parts, slopes);
  }
  EXPECT_LT(last, first / 2);
  std::vector<double> undone = before;
  const auto kept = parts_of(vector_view<double>(undone), given.ffn.view());
  learn.mask.visit_chosen(kept, parts, [](double& earlier, double now) { earlier = now; });
  EXPECT_EQ(undone, numbers);
  EXPECT_NE(before, numbers);
}

}  // namespace landermt_tests
}  // namespace fissile
