// Forward: against plain loops and the dense layer; odd shapes and odd data.
#include <fissile/train/trainable_ffn.hpp>

#include "train/plain_layer.hpp"

#include <fissile/weights/dense_ffn.hpp>

namespace fissile::testing {
namespace {

TEST(trainable_ffn, equals_plain_loops) {
  random_source random{2};
  for_each_activation([&](auto activate) {
    for (const threshold_gate& rule : all_rules()) {
      const auto given = random_problem<double, double>(random, random_problem_shape(random), activate, rule);
      EXPECT_LT(difference(given.outputs(), plain(given).outputs()), 1e-13);
    }
  });
}

template <element T>
void expect_float_close_to_plain(random_source& random) {
  for_each_activation([&](auto activate) {
    const auto given = random_problem<T, float>(random, random_problem_shape(random), activate);
    if (near_threshold(plain(given), 1e-5)) return;
    EXPECT_LT(difference(in_double(given.outputs()), plain(given).outputs()), 1e-5);
  });
}
TEST(trainable_ffn, computes_every_element_in_float) {
  random_source random{3};
  for (int trial = 0; trial < 20; ++trial) {
    expect_float_close_to_plain<float>(random);
    expect_float_close_to_plain<bf16>(random);
    expect_float_close_to_plain<f16>(random);
    expect_float_close_to_plain<double>(random);
  }
}

TEST(trainable_ffn, all_values_equal_give_the_dense_layer_times_the_value) {
  random_source random{4};
  for (int trial = 0; trial < 20; ++trial) {
    problem_shape shape = random_problem_shape(random);
    shape.layer.biased = biases::absent;
    auto given = random_problem<double, double>(random, shape, silu{});
    for (index_t e = 1; e < given.experts(); ++e) {  // one row for all experts
      std::copy_n(given.router.begin(), given.width(), given.router.begin() + e * given.width());
    }
    given.rule.threshold = -1;
    std::vector<double> dense(given.tokens.size());
    dense_ffn<double, double>(given.ffn.view(), silu{}, given.tokens_view(),
                              {dense.data(), given.batch(), given.width()});
    const plain_layer p = plain(given);
    for (index_t i = 0; i < length(dense); ++i) {
      dense[to_size(i)] *= p.route_of(to_size(i / given.width())).values[0];
    }
    EXPECT_LT(difference(given.outputs(), dense), 1e-13);
  }
}

TEST(trainable_ffn, all_open_at_value_one_is_the_dense_layer) {
  random_source random{5};
  for (int trial = 0; trial < 20; ++trial) {
    auto given = random_problem<double, double>(random, random_problem_shape(random), gelu{}, {.threshold = -0.1f});
    for (index_t t = 0; t < given.batch(); ++t) given.tokens[to_size(t * given.width())] = 1;
    for (index_t e = 0; e < given.experts(); ++e) {
      std::fill_n(given.router.begin() + e * given.width(), given.width(), 0.0);
      given.router[to_size(e * given.width())] = 100;  // its sigmoid is 1 in double
    }
    std::vector<double> dense(given.tokens.size());
    dense_ffn<double, double>(given.ffn.view(), gelu{}, given.tokens_view(),
                              {dense.data(), given.batch(), given.width()});
    EXPECT_LT(difference(given.outputs(), dense), 1e-14);
  }
}

TEST(trainable_ffn, nothing_active_gives_the_bias_alone) {
  random_source random{6};
  auto given = random_problem<double, double>(random, {}, silu{}, {.threshold = 1.0f});
  const std::vector<double> out = given.outputs();
  for (index_t i = 0; i < length(out); ++i) {
    EXPECT_EQ(out[to_size(i)], given.ffn.down_bias[to_size(i % given.width())]);
  }
  given.rule.if_none = nothing_active::strongest;
  EXPECT_GT(difference(out, given.outputs()), 0.1);
}

TEST(trainable_ffn, does_not_let_an_inactive_expert_spoil_the_output) {
  random_source random{8};
  auto given = random_problem<float, float>(random, {}, silu{}, {.threshold = 1.0f});
  given.ffn.up[0] = std::numeric_limits<float>::infinity();
  for (const float value : given.outputs()) EXPECT_TRUE(std::isfinite(value));
}

TEST(trainable_ffn, reads_and_writes_strided_rows) {
  random_source random{9};
  const auto given = random_problem<double, double>(random, {}, silu{});
  const index_t width = given.width();
  const index_t stride = width + 3;
  const auto spread = [&](const std::vector<double>& rows, index_t columns) {
    std::vector<double> out(rows.size() / to_size(columns) * to_size(columns + 3), -7.0);
    for (index_t i = 0; i < length(rows); ++i)
      out[to_size(i / columns * (columns + 3) + i % columns)] = rows[to_size(i)];
    return out;
  };
  const std::vector<double> gate = spread(given.ffn.gate, width), up = spread(given.ffn.up, width),
                            down = spread(given.ffn.down, given.ffn.neurons), router = spread(given.router, width),
                            tokens = spread(given.tokens, width);
  ffn_weights<double> ffn = given.ffn.view();
  ffn.gate = {gate.data(), given.ffn.neurons, width, stride};
  ffn.up = {up.data(), given.ffn.neurons, width, stride};
  ffn.down = {down.data(), width, given.ffn.neurons, given.ffn.neurons + 3};
  const trainable_ffn layer{borrow(ffn, given.split),
                            matrix_view<const double>{router.data(), given.experts(), width, stride}, silu{}};
  training_scratch scratch{layer, {.batch = given.batch()}};
  tape remembered{layer, scratch};
  std::vector<double> out(to_size(given.batch() * stride), -7.0);
  layer.forward({tokens.data(), given.batch(), width, stride}, remembered, {out.data(), given.batch(), width, stride});
  EXPECT_LT(difference(out, spread(given.outputs(), width)), 1e-14);

  gradient_store<double> into{given.ffn, given.experts(), given.batch()};
  layer.backward(remembered, given.out_gradient_view(), into.view());
  EXPECT_LT(difference(into.flat(), given.gradients().flat()), 1e-13);
}

TEST(trainable_ffn, counts_undefined_values_and_lets_them_show_in_the_gradient) {
  random_source random{10};
  auto given = random_problem<float, float>(random, {.layer = {}, .experts = 4, .batch = 6}, silu{});
  given.router[0] = std::numeric_limits<float>::quiet_NaN();
  const auto layer = given.layer();
  training_scratch scratch{layer, {.batch = 6}};
  tape remembered{layer, scratch};
  std::vector<float> out(given.tokens.size());
  layer.forward(given.tokens_view(), remembered, {out.data(), 6, given.width()});
  EXPECT_EQ(remembered.undefined_values(), 6);
  for (const float value : out) EXPECT_TRUE(std::isfinite(value));
  gradient_store<float> into{given.ffn, 4, 6};
  layer.backward(remembered, given.out_gradient_view(), into.view());
  EXPECT_TRUE(std::isnan(into.router[0]));
  EXPECT_TRUE(std::isfinite(into.router[to_size(given.width())]));
  for (const float value : into.down) EXPECT_TRUE(std::isfinite(value));
}

TEST(trainable_ffn, takes_smaller_batches_down_to_none) {
  random_source random{11};
  const auto given = random_problem<double, double>(random, {}, silu{});
  const auto layer = given.layer();
  training_scratch scratch{layer, {.batch = 9}};
  tape remembered{layer, scratch};
  const std::vector<double> all = given.outputs();
  for (index_t tokens = given.batch(); tokens >= 0; --tokens) {
    std::vector<double> out(to_size(tokens * given.width()));
    layer.forward(given.tokens_view().rows(0, tokens), remembered, {out.data(), tokens, given.width()});
    EXPECT_EQ(remembered.values().rows(), tokens);
    for (index_t i = 0; i < length(out); ++i) EXPECT_NEAR(out[to_size(i)], all[to_size(i)], 1e-13);
  }
  gradient_store<double> into{given.ffn, given.experts(), 0};
  layer.backward(remembered, {given.out_gradient.data(), 0, given.width()}, into.view());
  for (const double value : into.flat()) EXPECT_EQ(value, 0);
}

TEST(trainable_ffn, refuses_a_router_of_another_shape) {
  random_source random{12};
  const auto given = random_problem<float, float>(random, {}, silu{});
  const std::string said = refusal_of<shape_error>([&] {
    (void)trainable_ffn{borrow(given.ffn.view(), given.split),
                        matrix_view<const float>{given.router.data(), given.width(), given.experts()}, silu{}};
  });
  EXPECT_EQ(said, "trainable_ffn: router: expected [3 x 5], got [5 x 3]; a row for each expert of the partition");
}

/// The least an activation must have to be trained in float.
struct plain_square {
  float operator()(float z) const noexcept { return z * z; }
  float derivative(float z) const noexcept { return 2 * z; }
};
TEST(trainable_ffn, trains_a_minimal_activation_with_a_minimal_surrogate) {
  struct twice {
    float slope(float, activity) const noexcept { return 2; }
  };
  random_source random{13};
  const auto given = random_problem<float, float>(random, {}, plain_square{});
  const gradient_store<float> once = given.gradients();
  const gradient_store<float> doubled = given.gradients(twice{});
  EXPECT_EQ(once.up, doubled.up);
  for (std::size_t i = 0; i < once.router.size(); ++i) EXPECT_FLOAT_EQ(2 * once.router[i], doubled.router[i]);
}

}  // namespace
}  // namespace fissile::testing
