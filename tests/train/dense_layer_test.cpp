// The dense layer in training next to the plain reference, and its gradients next to finite differences.
#include "train/problem.hpp"

#include <fissile/train/dense_layer.hpp>
#include <fissile/train/flat_layer.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include "base/refusal.hpp"

namespace fissile {
namespace dense_layer_tests {

/// sum of slope * y, as a function of all numbers of the layer and of the tokens.
struct dense_problem {
  owned_ffn<double> ffn;
  index_t batch;
  std::vector<double> tokens, slopes;

  explicit dense_problem(std::uint64_t seed) {
    random_source random{seed};
    ffn = testing::random_ffn<double>(random, testing::random_shape(random));
    batch = 1 + random.below(9);
    tokens = testing::random_numbers<double>(random, batch * ffn.width);
    slopes = testing::random_numbers<double>(random, batch * ffn.width);
  }
  matrix_view<const double> in() const { return {tokens.data(), batch, ffn.width}; }
  double loss() const {
    std::vector<double> y(tokens.size());
    dense_ffn<double, double>(ffn.view(), silu{}, in(), {y.data(), batch, ffn.width});
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += slopes[i] * y[i];
    return sum;
  }
  std::vector<std::vector<double>*> numbers() {
    return {&ffn.gate, &ffn.up, &ffn.down, &ffn.gate_bias, &ffn.up_bias, &ffn.down_bias, &tokens};
  }
};

TEST(dense_layer, forward_is_the_plain_reference_and_hidden_is_what_down_is_fed_with) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const dense_problem given{seed};
    const index_t width = given.ffn.width, neurons = given.ffn.neurons;
    const dense_layer<double, double, silu> layer{given.ffn.view(), silu{}};
    training_scratch scratch{layer, {.batch = given.batch}};
    dense_tape remembered{layer, scratch};
    std::vector<double> y(given.tokens.size()), plain(y.size());
    layer.forward(given.in(), remembered, {y.data(), given.batch, width});
    dense_ffn<double, double>(given.ffn.view(), silu{}, given.in(), {plain.data(), given.batch, width});
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], plain[i], 1e-12 * (1 + std::abs(plain[i])));
    for (index_t token = 0; token < given.batch; ++token) {
      for (index_t j = 0; j < neurons; ++j) {
        EXPECT_NEAR(std::as_const(remembered).hidden()(token, j),
                    hidden_of<double>(given.ffn.view(), silu{}, j, given.in().row(token).data()), 1e-12);
      }
    }
  }
}

TEST(dense_layer, gradients_are_finite_differences) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    dense_problem given{seed};
    const dense_layer<double, double, silu> layer{given.ffn.view(), silu{}};
    training_scratch scratch{layer, {.batch = given.batch}};
    dense_tape remembered{layer, scratch};
    std::vector<double> y(given.tokens.size());
    layer.forward(given.in(), remembered, {y.data(), given.batch, given.ffn.width});
    testing::gradient_store<double> found{given.ffn, 1, given.batch};
    layer.backward(remembered, {given.slopes.data(), given.batch, given.ffn.width}, found.view());
    const std::vector<const std::vector<double>*> gradients{
        &found.gate, &found.up, &found.down, &found.gate_bias, &found.up_bias, &found.down_bias, &found.tokens};
    random_source random{seed};
    for (std::size_t part = 0; part < gradients.size(); ++part) {
      std::vector<double>& numbers = *given.numbers()[part];
      for (int draw = 0; draw < 8 && !numbers.empty(); ++draw) {
        const std::size_t at = to_size(random.below(length(numbers)));
        const double here = numbers[at], step = 1e-5;
        numbers[at] = here + step;
        const double above = given.loss();
        numbers[at] = here - step;
        const double slope = (above - given.loss()) / (2 * step);
        numbers[at] = here;
        EXPECT_NEAR((*gradients[part])[at], slope, 1e-7 * (1 + std::abs(slope)));
      }
    }
  }
}

TEST(dense_layer, shows_what_the_loss_asks_of_each_neuron) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const dense_problem given{seed};
    const dense_layer<double, double, silu> layer{given.ffn.view(), silu{}};
    training_scratch scratch{layer, {.batch = given.batch}};
    dense_tape remembered{layer, scratch};
    std::vector<double> y(given.tokens.size());
    layer.forward(given.in(), remembered, {y.data(), given.batch, given.ffn.width});
    layer.backward(remembered, {given.slopes.data(), given.batch, given.ffn.width}, {});
    for (index_t token = 0; token < given.batch; ++token) {
      for (index_t j = 0; j < given.ffn.neurons; ++j) {
        double expected = 0;
        for (index_t i = 0; i < given.ffn.width; ++i) {
          expected += given.slopes[to_size(token * given.ffn.width + i)] * given.ffn.view().down(i, j);
        }
        EXPECT_NEAR(std::as_const(remembered).hidden_gradients()(token, j), expected, 1e-12);
      }
    }
  }
}

TEST(dense_layer, backward_adds_to_what_is_there_also_for_weights_stored_small) {
  random_source random{7};
  const auto ffn = testing::random_ffn<bf16>(random, {.width = 12, .neurons = 30});
  const auto tokens = testing::random_numbers<float>(random, 20 * 12), slopes = tokens;
  const dense_layer<bf16, float, silu> layer{ffn.view(), silu{}};
  training_scratch scratch{layer, {.batch = 20}};
  dense_tape remembered{layer, scratch};
  std::vector<float> y(tokens.size()), once(30 * 12), twice(30 * 12);
  layer.forward({tokens.data(), 20, 12}, remembered, {y.data(), 20, 12});
  layer.backward(remembered, {slopes.data(), 20, 12}, {.up = {once.data(), 30, 12}});
  for (int i = 0; i < 2; ++i) layer.backward(remembered, {slopes.data(), 20, 12}, {.up = {twice.data(), 30, 12}});
  for (std::size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(twice[i], 2 * once[i], 1e-4f * (1 + std::abs(once[i])));
}

/// Knows float alone, as the concept asks.
struct float_only_square {
  float operator()(float z) const noexcept { return z * z; }
  float derivative(float z) const noexcept { return 2 * z; }
};

TEST(dense_layer, takes_activations_that_know_only_float) {
  random_source random{9};
  const auto ffn = testing::random_ffn<double>(random, {.width = 4, .neurons = 6});
  const dense_layer<double, double, float_only_square> layer{ffn.view(), float_only_square{}};
  training_scratch scratch{layer, {.batch = 3}};
  dense_tape remembered{layer, scratch};
  const auto tokens = testing::random_numbers<double>(random, 12);
  std::vector<double> y(12), plain(12);
  layer.forward({tokens.data(), 3, 4}, remembered, {y.data(), 3, 4});
  dense_ffn<double, double>(ffn.view(), float_only_square{}, {tokens.data(), 3, 4}, {plain.data(), 3, 4});
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], plain[i], 1e-6);
}

TEST(dense_layer, refuses_gradients_of_another_shape) {
  random_source random{8};
  const auto ffn = testing::random_ffn<float>(random, {.width = 4, .neurons = 6});
  const dense_layer<float, float, silu> layer{ffn.view(), silu{}};
  training_scratch scratch{layer, {.batch = 1}};
  dense_tape remembered{layer, scratch};
  const std::vector<float> x(4, 1.0f);
  std::vector<float> y(4), wrong(24);
  layer.forward({x.data(), 1, 4}, remembered, {y.data(), 1, 4});
  EXPECT_EQ(testing::refusal<shape_error>([&] {
              layer.backward(remembered, {x.data(), 1, 4}, {.up = {wrong.data(), 4, 6}});
            }),
            "gradients: up: expected [6 x 4], or none, got [4 x 6]; a gradient has the shape of what it belongs to");
}

TEST(dense_layer_death, a_tape_of_a_narrower_stored_layer_breaks_the_contract) {
  random_source random{31};
  const auto narrow = testing::random_ffn<bf16>(random, {.width = 8, .neurons = 16});
  const auto wide = testing::random_ffn<bf16>(random, {.width = 64, .neurons = 16});
  const auto plain = testing::random_ffn<float>(random, {.width = 8, .neurons = 16});
  const dense_layer<bf16, float, silu> small{narrow.view(), silu{}}, large{wide.view(), silu{}};
  const dense_layer<float, float, silu> in_float{plain.view(), silu{}};
  training_scratch scratch{small, {.batch = 2}}, unwidened{in_float, {.batch = 2}};
  dense_tape remembered{small, scratch}, of_float{in_float, unwidened};
  std::vector<float> x(128), y(128);
  EXPECT_CONTRACT(large.forward({x.data(), 2, 64}, remembered, {y.data(), 2, 64}));
  EXPECT_CONTRACT(small.forward({x.data(), 2, 8}, of_float, {y.data(), 2, 8}));
}

}  // namespace dense_layer_tests
}  // namespace fissile
