#include <fissile/train/expert_hidden.hpp>

#include "train/problem.hpp"

namespace fissile::testing {
namespace {

/// A tape filled with random sums, weights and products: a third of the weights 0.
template <class Activation>
struct filled {
  problem<double, double, Activation> given;
  decltype(given.layer()) layer = given.layer();
  training_scratch<double> scratch{layer, {.batch = given.batch()}};
  tape<double> remembered{layer, scratch};

  filled(random_source& random, gate gated)
      : given(random_problem<double, double>(
            random, {.layer = {.width = 5, .neurons = 11, .gated = gated}, .experts = 3, .batch = 4}, Activation{})) {
    remembered.start(given.tokens_view(), {});
    const auto fill = [&](matrix_view<double> matrix) {
      for (index_t t = 0; t < matrix.rows(); ++t) {
        for (double& value : matrix.row(t)) value = random.normal();
      }
    };
    fill(remembered.inner());
    fill(remembered.outer());
    fill(remembered.products());
    fill(remembered.weights());
    for (index_t t = 0; t < 4; ++t) remembered.weights()(t, t % 3) = 0;
    activate_inner(given.activate, remembered);
  }
  double outer(index_t t, index_t j) { return remembered.outer().empty() ? 1 : remembered.outer()(t, j); }
  /// f(token, neuron, weight of the neuron's expert)
  template <class F>
  void for_each(const F& f) {
    const std::vector<index_t> owner = given.split.owners();
    for (index_t t = 0; t < 4; ++t) {
      for (index_t j = 0; j < 11; ++j) f(t, j, remembered.weights()(t, owner[to_size(j)]));
    }
  }
};

TEST(expert_hidden, is_weighed_by_its_expert) {
  random_source random{1};
  for (const gate gated : {gate::present, gate::absent}) {
    filled<silu> run{random, gated};
    weigh_hidden(run.given.split, run.remembered);
    run.for_each([&](index_t t, index_t j, double weight) {
      const double hidden = silu{}(run.remembered.inner()(t, j)) * run.outer(t, j);
      EXPECT_DOUBLE_EQ(run.remembered.weighted()(t, j), weight * hidden);
    });
  }
}

TEST(expert_hidden, backward_gives_every_expert_its_share) {
  random_source random{2};
  for (const gate gated : {gate::present, gate::absent}) {
    filled<gelu> run{random, gated};
    std::vector<double> shares(12);
    const std::vector<index_t> owner = run.given.split.owners();
    run.for_each([&](index_t t, index_t j, double) {
      shares[to_size(t * 3 + owner[to_size(j)])] +=
          gelu{}(run.remembered.inner()(t, j)) * run.outer(t, j) * run.remembered.products()(t, j);
    });
    weigh_hidden_backward(run.given.split, run.remembered);
    for (index_t i = 0; i < 12; ++i) EXPECT_NEAR(run.remembered.scores().data()[i], shares[to_size(i)], 1e-14);
  }
}

TEST(expert_hidden, backward_through_the_activation) {
  random_source random{3};
  for (const gate gated : {gate::present, gate::absent}) {
    filled<gelu_tanh> run{random, gated};
    std::vector<double> products;
    run.for_each([&](index_t t, index_t j, double) { products.push_back(run.remembered.products()(t, j)); });
    activate_inner_backward(run.given.activate, run.given.split, run.remembered);
    index_t i = 0;
    run.for_each([&](index_t t, index_t j, double weight) {
      const double inner = run.remembered.inner()(t, j);
      const double hidden_gradient = weight * products[to_size(i++)];
      EXPECT_NEAR(run.remembered.weighted()(t, j), hidden_gradient * run.outer(t, j) * gelu_tanh{}.derivative(inner),
                  1e-14);
      if (gated == gate::absent) return;
      EXPECT_NEAR(run.remembered.products()(t, j), hidden_gradient * gelu_tanh{}(inner), 1e-14);
    });
  }
}

/// Never finite: whoever asks it for an inactive expert will know.
struct poison {
  template <std::floating_point A>
  A operator()(A) const noexcept {
    return std::numeric_limits<A>::infinity();
  }
  template <std::floating_point A>
  A derivative(A) const noexcept {
    return std::numeric_limits<A>::quiet_NaN();
  }
};
TEST(expert_hidden, of_inactive_experts_is_exactly_zero_whatever_it_was) {
  random_source random{4};
  for (const gate gated : {gate::present, gate::absent}) {
    filled<poison> run{random, gated};
    weigh_hidden(run.given.split, run.remembered);
    int zeros = 0;
    run.for_each([&](index_t t, index_t j, double weight) {
      if (weight != 0) return;
      EXPECT_EQ(run.remembered.weighted()(t, j), 0);
      ++zeros;
    });
    activate_inner_backward(run.given.activate, run.given.split, run.remembered);
    run.for_each([&](index_t t, index_t j, double weight) {
      if (weight != 0) return;
      EXPECT_EQ(run.remembered.weighted()(t, j), 0);
      EXPECT_EQ(run.remembered.products()(t, j), 0);
    });
    EXPECT_GT(zeros, 0);
  }
}

}  // namespace
}  // namespace fissile::testing
