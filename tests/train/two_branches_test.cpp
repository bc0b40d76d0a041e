// Two branches next to plain loops written from the formula, and their gradients next to finite differences.
#include "train/problem.hpp"

#include <fissile/train/two_branches.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include "base/refusal.hpp"

namespace fissile {
namespace two_branches_tests {

struct branch_problem {
  owned_ffn<double> ffn;
  index_t batch;
  std::vector<double> tokens, slopes, row;
  std::vector<branch> branches;

  explicit branch_problem(std::uint64_t seed) {
    random_source random{seed};
    ffn = testing::random_ffn<double>(random, testing::random_shape(random));
    batch = 1 + random.below(9);
    tokens = testing::random_numbers<double>(random, batch * ffn.width);
    slopes = testing::random_numbers<double>(random, batch * ffn.width);
    row = testing::random_numbers<double>(random, ffn.width, 0.5);
    for (index_t j = 0; j < ffn.neurons; ++j) branches.push_back(static_cast<branch>(random.below(3)));
  }
  matrix_view<const double> in() const { return {tokens.data(), batch, ffn.width}; }
  two_branches<double, double, silu> layer() const { return {{ffn.view(), silu{}}, branches, row}; }

  std::vector<double> plain(gate_use use) const {
    std::vector<double> y(tokens.size());
    for (index_t token = 0; token < batch; ++token) {
      const double* x = in().row(token).data();
      double score = 0;
      for (index_t i = 0; i < ffn.width; ++i) score += row[to_size(i)] * x[i];
      double g = 1 / (1 + std::exp(-score));
      if (use == gate_use::hard) g = g > 0.5 ? 1 : 0;
      std::vector<double> hidden;
      for (index_t j = 0; j < ffn.neurons; ++j) hidden.push_back(hidden_of<double>(ffn.view(), silu{}, j, x));
      for (index_t i = 0; i < ffn.width; ++i) {
        double general = 0, specific = 0, rest = 0;
        for (index_t j = 0; j < ffn.neurons; ++j) {
          const double part = hidden[to_size(j)] * ffn.view().down(i, j);
          const branch own = branches[to_size(j)];
          (own == branch::general ? general : own == branch::specific ? specific : rest) += part;
        }
        const double bias = ffn.down_bias.empty() ? 0 : ffn.down_bias[to_size(i)];
        y[to_size(token * ffn.width + i)] = bias + g * specific + (1 - g) * general + rest;
      }
    }
    return y;
  }
  double loss(gate_use use) const {
    const std::vector<double> y = plain(use);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += slopes[i] * y[i];
    return sum;
  }
};

TEST(two_branches, forward_is_the_plain_loops) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const branch_problem given{seed};
    const auto layer = given.layer();
    training_scratch scratch{layer, {.batch = given.batch}};
    dense_tape remembered{layer, scratch};
    for (const gate_use use : {gate_use::soft, gate_use::hard}) {
      std::vector<double> y(given.tokens.size());
      layer.forward(given.in(), remembered, {y.data(), given.batch, given.ffn.width}, use);
      const std::vector<double> plain = given.plain(use);
      for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], plain[i], 1e-12 * (1 + std::abs(plain[i])));
    }
  }
}

TEST(two_branches, gradients_are_finite_differences) {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    for (const gate_use use : {gate_use::soft, gate_use::hard}) {
      branch_problem given{seed};
      const auto layer = given.layer();
      training_scratch scratch{layer, {.batch = given.batch}};
      dense_tape remembered{layer, scratch};
      std::vector<double> y(given.tokens.size());
      layer.forward(given.in(), remembered, {y.data(), given.batch, given.ffn.width}, use);
      testing::gradient_store<double> found{given.ffn, 1, given.batch};
      layer.backward(remembered, {given.slopes.data(), given.batch, given.ffn.width}, found.view());
      const std::vector<std::pair<std::vector<double>*, std::vector<double>*>> parts{
          {&given.ffn.gate, &found.gate},       {&given.ffn.up, &found.up},
          {&given.ffn.down, &found.down},       {&given.ffn.gate_bias, &found.gate_bias},
          {&given.ffn.up_bias, &found.up_bias}, {&given.ffn.down_bias, &found.down_bias},
          {&given.tokens, &found.tokens},       {&given.row, &found.router}};
      random_source random{seed};
      for (const auto& [numbers, gradient] : parts) {
        for (int draw = 0; draw < 6 && !numbers->empty(); ++draw) {
          const std::size_t at = to_size(random.below(length(*numbers)));
          const double here = (*numbers)[at], step = 1e-6;
          (*numbers)[at] = here + step;
          const double above = given.loss(use);
          (*numbers)[at] = here - step;
          const double slope = (above - given.loss(use)) / (2 * step);
          (*numbers)[at] = here;
          EXPECT_NEAR((*gradient)[at], slope, 1e-6 * (1 + std::abs(slope)));
        }
      }
    }
  }
}

TEST(two_branches, one_branch_alone_works_where_the_gate_is_hard) {
  random_source random{3};
  const auto ffn = testing::random_ffn<double>(random, {.width = 5, .neurons = 8});
  std::vector<branch> branches(8, branch::general);
  branches[2] = branches[5] = branch::specific;
  const std::vector<double> tokens{1, 2, -1, 0.5, 1, -1, -2, 1, -0.5, -1}, row{1, 0, 0, 0, 0};
  const two_branches<double, double, silu> layer{{ffn.view(), silu{}}, branches, row};
  training_scratch scratch{layer, {.batch = 2}};
  dense_tape remembered{layer, scratch};
  std::vector<double> y(10);
  layer.forward({tokens.data(), 2, 5}, remembered, {y.data(), 2, 5}, gate_use::hard);
  for (index_t token = 0; token < 2; ++token) {
    for (index_t i = 0; i < 5; ++i) {
      double sum = 0;
      for (const index_t j : token == 0 ? std::vector<index_t>{2, 5} : std::vector<index_t>{0, 1, 3, 4, 6, 7}) {
        sum += hidden_of<double>(ffn.view(), silu{}, j, tokens.data() + token * 5) * ffn.view().down(i, j);
      }
      EXPECT_NEAR(y[to_size(token * 5 + i)], sum, 1e-13);
    }
  }
  const std::vector<double> undecided(5, 0.0), broken(5, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(layer.gate(undecided, gate_use::hard), 0.0);
  EXPECT_EQ(layer.gate(undecided, gate_use::soft), 0.5);
  EXPECT_EQ(layer.gate(broken, gate_use::hard), 0.0);
}

TEST(two_branches, with_no_neuron_in_a_branch_it_is_the_dense_layer) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    branch_problem given{seed};
    std::fill(given.branches.begin(), given.branches.end(), branch::rest);
    const auto layer = given.layer();
    training_scratch scratch{layer, {.batch = given.batch}};
    dense_tape remembered{layer, scratch};
    std::vector<double> y(given.tokens.size()), dense(y.size());
    layer.forward(given.in(), remembered, {y.data(), given.batch, given.ffn.width});
    dense_ffn<double, double>(given.ffn.view(), silu{}, given.in(), {dense.data(), given.batch, given.ffn.width});
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], dense[i], 1e-12 * (1 + std::abs(dense[i])));
  }
}

TEST(two_branches, backward_belongs_to_the_forward_before_it) {
  const branch_problem given{5};
  const index_t width = given.ffn.width, batch = given.batch;
  const dense_layer<double, double, silu> dense{given.ffn.view(), silu{}};
  const auto layer = given.layer();
  training_scratch scratch{layer, {.batch = batch}};
  dense_tape remembered{layer, scratch};
  std::vector<double> y(given.tokens.size());
  const matrix_view<const double> slopes{given.slopes.data(), batch, width};
  dense.forward(given.in(), remembered, {y.data(), batch, width});
  EXPECT_CONTRACT(layer.backward(remembered, slopes, {}));
  layer.forward(given.in(), remembered, {y.data(), batch, width});
  EXPECT_CONTRACT(dense.backward(remembered, slopes, {}));
  dense.forward(given.in(), remembered, {y.data(), batch, width});
  dense.backward(remembered, slopes, {});  // the gates of the batch before are forgotten
}

TEST(two_branches, a_hard_gate_has_no_slope) {
  const branch_problem given{6};
  const auto layer = given.layer();
  training_scratch scratch{layer, {.batch = given.batch}};
  dense_tape remembered{layer, scratch};
  std::vector<double> y(given.tokens.size());
  for (const gate_use use : {gate_use::soft, gate_use::hard}) {
    testing::gradient_store<double> found{given.ffn, 1, given.batch};
    layer.forward(given.in(), remembered, {y.data(), given.batch, given.ffn.width}, use);
    layer.backward(remembered, {given.slopes.data(), given.batch, given.ffn.width}, found.view());
    const bool none = found.router == std::vector<double>(found.router.size(), 0.0);
    EXPECT_EQ(none, use == gate_use::hard);
  }
}

TEST(two_branches, refuses_what_does_not_fit) {
  random_source random{4};
  const auto ffn = testing::random_ffn<double>(random, {.width = 5, .neurons = 8});
  const std::vector<double> row(5);
  EXPECT_EQ(testing::refusal<shape_error>([&] {
              two_branches<double, double, silu>{{ffn.view(), silu{}}, std::vector<branch>(7), row};
            }),
            "two_branches: branches, row: expected 8 neurons, 5 numbers, got 7, 5");
}

}  // namespace two_branches_tests
}  // namespace fissile
