// The exact properties of DSMoE's layer: identity of the split, the strict threshold, the rescale, the penalty's range.
#include <fissile/partition/borrowed_experts.hpp>
#include <fissile/recipes/dsmoe.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace dsmoe_tests {

using testing::refusal;

constexpr index_t width = 12, batch = 9;

/// A layer of 8 experts, tokens, gates, and room for what comes out.
struct dsmoe_layer {
  explicit dsmoe_layer(std::uint64_t seed, dsmoe::choices settings = {}) : chosen(settings) {
    random_source random{seed};
    ffn = testing::random_ffn<float>(random, {.width = width, .neurons = 8 * (1 + random.below(5))});
    x = testing::random_numbers<float>(random, batch * width, 1);
    chosen.seed = seed;
    rows = dsmoe::random_gates(width, chosen);
  }
  matrix_view<const float> tokens() const { return {x.data(), batch, width}; }
  matrix_view<float> gates() { return {rows.data(), chosen.experts, width}; }
  std::vector<float> run(std::vector<route>* taken = nullptr) {
    const sparse_ffn sparse{borrow(ffn.view(), dsmoe::split(ffn.view(), chosen)), silu{}};
    const router choose = dsmoe::router_of(gates(), chosen);
    workspace work{sparse, {.batch = batch}};
    std::vector<float> y(x.size());
    choose(tokens(), work);
    sparse(tokens(), work, {y.data(), batch, width});
    if (taken != nullptr) taken->assign(work.routes().begin(), work.routes().end());
    return y;
  }
  std::vector<float> dense() const {
    std::vector<float> y(x.size());
    dense_ffn(ffn.view(), silu{}, tokens(), {y.data(), batch, width});
    return y;
  }

  dsmoe::choices chosen;
  owned_ffn<float> ffn;
  std::vector<float> x, rows;
};

TEST(dsmoe, equal_gates_above_the_threshold_give_the_gate_times_dense) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    dsmoe_layer made{seed};
    std::fill(made.rows.begin(), made.rows.end(), 0.0f);  // every gate is sigmoid(0) = 1/2
    made.chosen.threshold = 0.49f;
    const std::vector<float> y = made.run(), dense = made.dense();
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], 0.5f * dense[i], 1e-5f);
  }
}

TEST(dsmoe, the_threshold_is_strict_and_nobody_above_it_gives_nothing) {
  dsmoe_layer made{3};
  std::fill(made.rows.begin(), made.rows.end(), 0.0f);
  made.chosen.threshold = 0.5f;  // what every gate is exactly
  std::vector<route> routes;
  EXPECT_EQ(made.run(&routes), std::vector<float>(made.x.size(), 0.0f));
  for (const route& taken : routes) EXPECT_TRUE(taken.empty());
  made.chosen.if_none = nothing_active::strongest;
  made.run(&routes);
  for (const route& taken : routes) EXPECT_EQ(taken.length(), 1);
}

TEST(dsmoe, weights_are_the_gates_values_times_experts_over_active) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    dsmoe_layer made{seed};
    std::vector<route> routes;
    made.run(&routes);
    for (index_t token = 0; token < batch; ++token) {
      std::vector<float> values;
      for (index_t e = 0; e < 8; ++e) {
        float sum = 0;
        for (index_t i = 0; i < width; ++i) sum += made.gates()(e, i) * made.tokens()(token, i);
        values.push_back(1 / (1 + std::exp(-sum)));
      }
      const auto active = std::count_if(values.begin(), values.end(), [](float v) { return v > 0.5f; });
      const route& taken = routes[to_size(token)];
      ASSERT_EQ(taken.length(), active);
      for (const choice& c : taken) {
        EXPECT_NEAR(c.weight, values[to_size(c.expert)] * 8 / static_cast<float>(active), 1e-5f);
      }
    }
  }
}

TEST(dsmoe, inference_is_the_forward_pass_of_training) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    dsmoe_layer made{seed};
    const auto layer = dsmoe::layer(made.ffn.view(), made.gates(), silu{}, made.chosen);
    training_scratch<float> scratch{layer, {.batch = batch}};
    tape<float> remembered{layer, scratch};
    std::vector<float> y(made.x.size());
    layer.forward(made.tokens(), remembered, {y.data(), batch, width});
    const std::vector<float> sparse = made.run();
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], sparse[i], 1e-5f);
  }
}

TEST(dsmoe, a_higher_threshold_never_activates_more) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    index_t last = 8 * batch, first = -1;
    for (int tenth = 1; tenth <= 9; ++tenth) {
      dsmoe_layer made{seed, {.threshold = static_cast<float>(tenth) / 10, .init_scale = 0.5}};
      std::vector<route> routes;
      made.run(&routes);
      index_t active = 0;
      for (const route& taken : routes) active += taken.length();
      EXPECT_LE(active, last);
      if (first < 0) first = active;
      last = active;
    }
    EXPECT_LT(last, first);
  }
}

TEST(dsmoe, the_penalty_lies_between_0_and_1_under_mean_reduction) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    dsmoe_layer made{seed, {.init_scale = 3}};
    const auto layer = dsmoe::layer(made.ffn.view(), made.gates(), silu{}, made.chosen);
    training_scratch<float> scratch{layer, {.batch = batch}};
    tape<float> remembered{layer, scratch};
    std::vector<float> y(made.x.size());
    layer.forward(made.tokens(), remembered, {y.data(), batch, width});
    const double one = dsmoe::penalty(1, made.chosen).value(remembered);
    EXPECT_GE(one, 0);
    EXPECT_LE(one, 1);
    EXPECT_NEAR(dsmoe::penalty(4, made.chosen).value(remembered), one / 4, 1e-12);
  }
}

TEST(dsmoe, refuses_groups_that_are_not_equal_and_counts_what_works) {
  const dsmoe_layer made{1};
  EXPECT_NE(refusal<setting_error>([&] {
              dsmoe::split(made.ffn.view(), {.experts = 3 * made.ffn.neurons});
            }).find("dsmoe: experts"),
            std::string::npos);
  const double all = dsmoe::activated_weights(made.ffn.view(), 2, 1, {.experts = 4});
  EXPECT_EQ(all, 2.0 * (3.0 * width * static_cast<double>(made.ffn.neurons) + 4.0 * width));
  EXPECT_EQ(dsmoe::activated_weights(made.ffn.view(), 2, 0, {.experts = 4}), 2.0 * 4 * width);
}

}  // namespace dsmoe_tests
}  // namespace fissile
