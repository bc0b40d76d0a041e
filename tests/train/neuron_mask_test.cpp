// Masked updates: what is not chosen keeps its bits, what is chosen becomes what a step on everything makes of it.
#include "train/problem.hpp"

#include <fissile/train/flat_layer.hpp>
#include <fissile/train/neuron_mask.hpp>

#include <cstring>

#include "base/refusal.hpp"

namespace fissile {
namespace neuron_mask_tests {

/// A layer's numbers with gradients for each, and some of its neurons.
template <std::floating_point A>
struct masked_case {
  owned_ffn<A> ffn;
  std::vector<index_t> chosen;
  random_source random;

  explicit masked_case(std::uint64_t seed) : random(seed) {
    ffn = testing::random_ffn<A>(random, testing::random_shape(random));
    for (index_t j = 0; j < ffn.neurons; ++j) {
      if (random.below(3) == 0) chosen.push_back(j);
    }
    shuffle(chosen, random);
  }
  std::vector<A> numbers() const { return flatten<A>(ffn.view()); }
  ffn_gradients<A> parts(std::vector<A>& flat) const { return parts_of(vector_view<A>(flat), ffn.view()); }

  /// Of each number in the flat list, whether it is a chosen neuron's: by places, in the order of flatten.
  std::vector<char> mine() const {
    std::vector<char> of_neuron(to_size(ffn.neurons), 0), made;
    for (const index_t j : chosen) of_neuron[to_size(j)] = 1;
    const index_t rows = ffn.gate.empty() ? ffn.neurons : 2 * ffn.neurons;
    for (index_t row = 0; row < rows; ++row)
      made.insert(made.end(), to_size(ffn.width), of_neuron[to_size(row % ffn.neurons)]);
    for (index_t i = 0; i < ffn.width; ++i) made.insert(made.end(), of_neuron.begin(), of_neuron.end());
    if (!ffn.gate_bias.empty()) made.insert(made.end(), of_neuron.begin(), of_neuron.end());
    if (!ffn.up_bias.empty()) made.insert(made.end(), of_neuron.begin(), of_neuron.end());
    made.insert(made.end(), ffn.down_bias.size(), 0);
    return made;
  }
};

template <std::floating_point A>
bool same_bits(A a, A b) {
  return std::memcmp(&a, &b, sizeof(A)) == 0;
}

TEST(neuron_mask, masked_adam_keeps_the_bits_of_others_and_gives_the_chosen_those_of_a_full_step) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    masked_case<float> given{seed};
    const std::vector<char> mine = given.mine();
    std::vector<float> before = given.numbers(), masked = before, full = before;
    const adam rule{.rate = 0.05, .weight_decay = seed % 2 == 0 ? 0.3 : 0.0};
    masked_adam<float> learn{{given.ffn.neurons, given.chosen}, given.parts(masked)};
    adam_state<float> whole{length(full)};
    EXPECT_EQ(length(learn.state.mean), std::count(mine.begin(), mine.end(), char{1}));
    for (int step = 0; step < 4; ++step) {
      auto gradients = testing::random_numbers<float>(given.random, length(full), 0.1);
      learn.step(rule, given.parts(masked), given.parts(gradients));
      rule.step<float>(full, gradients, whole);
    }
    for (std::size_t i = 0; i < mine.size(); ++i) {
      EXPECT_TRUE(same_bits(masked[i], mine[i] != 0 ? full[i] : before[i])) << seed << " " << i;
      if (rule.weight_decay > 0) {
        EXPECT_NE(full[i], before[i]);
      }
    }
  }
}

TEST(neuron_mask, a_foreign_optimiser_that_remembers_and_decays_is_undone) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    masked_case<double> given{seed};
    const std::vector<char> mine = given.mine();
    const neuron_mask mask{given.ffn.neurons, given.chosen};
    std::vector<double> numbers = given.numbers();
    adam_state<double> state{length(numbers)};
    const adam rule{.rate = 0.05, .weight_decay = 0.2};
    rule.step<double>(numbers, testing::random_numbers<double>(given.random, length(numbers)), state);  // all learn
    std::vector<double> before = numbers, gradients = testing::random_numbers<double>(given.random, length(numbers));
    mask.silence_others(given.parts(gradients));
    for (std::size_t i = 0; i < mine.size(); ++i) EXPECT_EQ(gradients[i] == 0, mine[i] == 0);
    rule.step<double>(numbers, gradients, state);
    const std::vector<double> moved = numbers;
    mask.restore_others(given.parts(before), given.parts(numbers));
    for (std::size_t i = 0; i < mine.size(); ++i) {
      EXPECT_NE(moved[i], before[i]);  // zero gradients alone keep nobody
      EXPECT_TRUE(same_bits(numbers[i], mine[i] != 0 ? moved[i] : before[i]));
    }
  }
}

TEST(neuron_mask, counts_and_refuses) {
  const neuron_mask mask{5, {3, 1}};
  EXPECT_EQ(mask.count(), 2);
  EXPECT_TRUE(mask.chosen(3));
  EXPECT_FALSE(mask.chosen(0));
  EXPECT_EQ(mask, (neuron_mask{5, {1, 3}}));
  EXPECT_EQ(testing::refusal<setting_error>([] {
              neuron_mask(5, {1, 1});
            }),
            "neuron_mask: chosen: expected neurons from 0 to 4, each at most once, got 1");
  EXPECT_EQ(testing::refusal<setting_error>([] { neuron_mask(5, {5}); }),
            "neuron_mask: chosen: expected neurons from 0 to 4, each at most once, got 5");
}

TEST(neuron_mask, restores_from_weights_as_from_numbers) {
  masked_case<float> given{3};
  const neuron_mask mask{given.ffn.neurons, given.chosen};
  std::vector<float> before = given.numbers(), one = before, other;
  for (float& number : one) number += 1;
  other = one;
  mask.restore_others(given.parts(before), given.parts(one));
  mask.restore_others(given.ffn.view(), given.parts(other));
  EXPECT_EQ(one, other);
  EXPECT_NE(one, before);
}

TEST(neuron_mask, refuses_parts_of_another_layer) {
  std::vector<float> numbers(40), others(40);
  const ffn_gradients<float> parts{.up = {numbers.data(), 5, 4}, .down = {numbers.data() + 20, 4, 5}};
  const neuron_mask mask{5, {1}}, larger{6, {5}};
  EXPECT_TRUE(mask.fits(parts));
  EXPECT_FALSE(larger.fits(parts));
  EXPECT_EQ(
      testing::refusal<shape_error>([&] {
        masked_adam<float>{larger, parts};
      }),
      "masked_adam: parts: expected a layer of 6 neurons, got gate [0 x 0], up [5 x 4], down [4 x 5], biases of 0 "
      "and 0");
  const auto nothing = [](float&, float) {};
  EXPECT_CONTRACT(larger.silence_others(parts));
  EXPECT_CONTRACT(larger.restore_others(parts, parts));
  EXPECT_CONTRACT(larger.visit_chosen(parts, parts, nothing));
  ffn_gradients<float> unlike = parts;
  unlike.down = {others.data(), 3, 5};
  EXPECT_CONTRACT(mask.restore_others(parts, unlike));
  EXPECT_CONTRACT(mask.visit_chosen(parts, unlike, nothing));
  unlike = parts;
  unlike.up_bias = {others.data(), 5};
  EXPECT_CONTRACT(mask.visit_chosen(parts, unlike, nothing));
  unlike.up_bias = {others.data(), 4};
  EXPECT_CONTRACT(mask.silence_others(unlike));
  unlike = parts;
  unlike.down_bias = {others.data(), 4};
  EXPECT_CONTRACT(mask.restore_others(parts, unlike));
}

}  // namespace neuron_mask_tests
}  // namespace fissile
