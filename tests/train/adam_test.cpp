// Adam against its formulas in plain doubles, step by step, and on a bowl whose bottom is known.
#include "train/problem.hpp"

#include <fissile/train/adam.hpp>

namespace fissile::testing {
namespace {

/// One parameter by the paper's lines, and AdamW's for the decay.
struct plain_adam {
  double x, m = 0, v = 0;
  int t = 0;

  void step(double g, const adam& chosen) {
    ++t;
    m = chosen.mean_decay * m + (1 - chosen.mean_decay) * g;
    v = chosen.square_decay * v + (1 - chosen.square_decay) * g * g;
    const double m_hat = m / (1 - std::pow(chosen.mean_decay, t));
    const double v_hat = v / (1 - std::pow(chosen.square_decay, t));
    x = x - chosen.rate * chosen.weight_decay * x;
    x = x - chosen.rate * m_hat / (std::sqrt(v_hat) + chosen.epsilon);
  }
};

TEST(adam, takes_the_steps_of_the_paper) {
  random_source random{1};
  for (const adam chosen : {adam{}, adam{.rate = 0.1, .mean_decay = 0.5, .square_decay = 0.8, .epsilon = 1e-3},
                            adam{.rate = 0.02, .mean_decay = 0, .square_decay = 0, .weight_decay = 0.3}}) {
    std::vector<double> x = random_numbers<double>(random, 7);
    std::vector<plain_adam> plain;
    for (const double start : x) plain.push_back({.x = start});
    adam_state<double> state{7};
    for (int step = 0; step < 30; ++step) {
      const std::vector<double> g = random_numbers<double>(random, 7, step % 5);
      chosen.step<double>(x, g, state);
      for (std::size_t i = 0; i < x.size(); ++i) {
        plain[i].step(g[i], chosen);
        EXPECT_NEAR(x[i], plain[i].x, 1e-12);
      }
    }
    EXPECT_EQ(state.steps, 30);
  }
}

TEST(adam, makes_its_first_step_as_long_as_the_rate_whatever_the_gradient) {
  std::vector<double> x(3, 1.0);
  adam_state<double> state{3};
  adam{.rate = 0.01}.step<double>(x, std::vector<double>{1e-3, -5, 1e4}, state);
  EXPECT_NEAR(x[0], 0.99, 1e-6);
  EXPECT_NEAR(x[1], 1.01, 1e-6);
  EXPECT_NEAR(x[2], 0.99, 1e-6);
}

TEST(adam, finds_the_bottom_of_a_bowl) {
  const std::vector<double> bottom{3, -2, 0.5}, steep{1, 10, 0.1};
  std::vector<double> x(3, 0.0), g(3);
  adam_state<double> state{3};
  for (int step = 0; step < 3000; ++step) {
    for (std::size_t i = 0; i < 3; ++i) g[i] = 2 * steep[i] * (x[i] - bottom[i]);
    adam{.rate = 0.05 * (1 - step / 3000.0)}.step<double>(x, g, state);
  }
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(x[i], bottom[i], 1e-3);
}

TEST(adam, goes_on_from_a_copy_of_its_state_and_does_not_see_how_a_list_is_cut) {
  random_source random{2};
  const std::vector<float> start = random_numbers<float>(random, 11);
  std::vector<float> whole = start, first(start.begin(), start.begin() + 4), second(start.begin() + 4, start.end());
  adam_state<float> of_whole{11}, of_first{4}, of_second{7};
  const adam chosen{.rate = 0.1, .weight_decay = 0.1};
  for (int step = 0; step < 9; ++step) {
    const std::vector<float> g = random_numbers<float>(random, 11);
    adam_state<float> saved = of_whole;
    std::vector<float> copy = whole;
    chosen.step<float>(whole, g, of_whole);
    chosen.step<float>(copy, g, saved);
    chosen.step<float>(first, vector_view<const float>{g.data(), 4}, of_first);
    chosen.step<float>(second, vector_view<const float>{g.data() + 4, 7}, of_second);
    EXPECT_EQ(saved, of_whole);
    EXPECT_EQ(copy, whole);
  }
  EXPECT_TRUE(std::equal(first.begin(), first.end(), whole.begin()));
  EXPECT_TRUE(std::equal(second.begin(), second.end(), whole.begin() + 4));
}

TEST(adam, refuses_settings_that_are_none) {
  EXPECT_NE(refusal_of<setting_error>([] { adam{.rate = -1}.check(); }).find("rate"), std::string::npos);
  EXPECT_NE(refusal_of<setting_error>([] { adam{.mean_decay = 1}.check(); }).find("mean_decay"), std::string::npos);
  EXPECT_NE(refusal_of<setting_error>([] { adam{.square_decay = -0.1}.check(); }).find("square"), std::string::npos);
  EXPECT_NE(refusal_of<setting_error>([] { adam{.epsilon = 0}.check(); }).find("epsilon"), std::string::npos);
  EXPECT_NE(refusal_of<setting_error>([] { adam{.weight_decay = std::nan("")}.check(); }).find("weight_decay"),
            std::string::npos);
  EXPECT_THROW(adam{.square_decay = 0.99999999}.check(), setting_error) << "1 as a float";
  EXPECT_THROW(adam{.epsilon = 1e-50}.check(), setting_error) << "0 as a float";
  adam{}.check();
}

}  // namespace
}  // namespace fissile::testing
