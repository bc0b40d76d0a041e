// MoEfication's router in training: its gradient by finite differences, and its function beside mlp_scorer's.
#include "train/problem.hpp"

#include <fissile/route/mlp_scorer.hpp>
#include <fissile/train/mlp_router.hpp>

namespace fissile::testing {
namespace {

mlp_matrices<double> random_net(random_source& random, index_t width, index_t hidden, index_t experts) {
  return {width, hidden, experts, random_numbers<double>(random, hidden * (width + experts))};
}

/// The loss in plain loops, as the formula is written.
double plain_loss(const mlp_matrices<double>& net, const std::vector<double>& x, const std::vector<double>& t) {
  const auto tokens = static_cast<index_t>(x.size()) / net.width;
  double loss = 0;
  for (index_t token = 0; token < tokens; ++token) {
    for (index_t e = 0; e < net.experts; ++e) {
      double score = 0;
      for (index_t h = 0; h < net.hidden; ++h) {
        double sum = 0;
        for (index_t i = 0; i < net.width; ++i) sum += net.first()(h, i) * x[to_size(token * net.width + i)];
        score += net.second()(e, h) * std::tanh(sum);
      }
      const double value = 1 / (1 + std::exp(-score)), target = t[to_size(token * net.experts + e)];
      loss -= target * std::log(value) + (1 - target) * std::log(1 - value);
    }
  }
  return loss / static_cast<double>(tokens * net.experts);
}

TEST(mlp_router, loss_and_gradient_are_those_of_the_formula) {
  random_source random{1};
  for (int trial = 0; trial < 8; ++trial) {
    const index_t width = 1 + random.below(7), experts = 1 + random.below(6), hidden = 1 + random.below(9);
    const index_t batch = 1 + random.below(9);
    mlp_matrices<double> net = random_net(random, width, hidden, experts);
    const std::vector<double> x = random_numbers<double>(random, batch * width);
    std::vector<double> t(to_size(batch * experts));
    for (double& target : t) target = random.uniform();
    mlp_matrices<double> slope = net;
    std::fill(slope.numbers.begin(), slope.numbers.end(), 0.0);
    mlp_trainer<double> trainer{net, batch};
    const double loss = trainer.add_gradient(net, {x.data(), batch, width}, {t.data(), batch, experts}, slope);
    EXPECT_NEAR(loss, plain_loss(net, x, t), 1e-12);
    std::vector<double*> parameters;
    for (double& number : net.numbers) parameters.push_back(&number);
    EXPECT_LT(difference(slope.numbers, differences(parameters, [&] { return plain_loss(net, x, t); })), 1e-7);
    trainer.add_gradient(net, {x.data(), batch, width}, {t.data(), batch, experts}, slope);
    EXPECT_LT(difference(slope.numbers, differences(parameters, [&] { return 2 * plain_loss(net, x, t); })), 1e-7)
        << "gradients are added";
  }
}

TEST(mlp_router, loss_does_not_overflow) {
  mlp_matrices<double> net{1, 1, 2, {1, 1e4, -1e4}};
  mlp_matrices<double> slope{1, 1, 2, {0, 0, 0}};
  const std::vector<double> x{100}, t{0, 1};
  mlp_trainer<double> trainer{net, 1};
  EXPECT_NEAR(trainer.add_gradient(net, {x.data(), 1, 1}, {t.data(), 1, 2}, slope), 1e4, 1e-6);
  for (const double number : slope.numbers) EXPECT_TRUE(std::isfinite(number));
}

TEST(mlp_router, computes_what_mlp_scorer_computes) {
  random_source random{2};
  const index_t width = 13, hidden = 7, experts = 5, batch = 6;
  const mlp_matrices<float> net{width, hidden, experts, random_numbers<float>(random, hidden * (width + experts))};
  const std::vector<float> x = random_numbers<float>(random, batch * width, 3);
  std::vector<float> unit = x;
  for (index_t token = 0; token < batch; ++token) {
    const vector_view<float> row{unit.data() + token * width, width};
    const float scale = inverse_norm(vector_view<const float>{row.data(), width});
    for (float& number : row) number *= scale;
  }
  mlp_trainer<float> trainer{net, batch};
  const matrix_view<const float> trained = trainer.scores(net, {unit.data(), batch, width});
  const mlp_scorer scorer{net.first(), net.second()};
  std::vector<float> scores(to_size(batch * experts)), scratch(to_size(scorer.scratch()));
  scorer.score({x.data(), batch, width}, {scores.data(), batch, experts}, scratch);
  for (index_t i = 0; i < batch * experts; ++i) EXPECT_NEAR(trained.data()[i], scores[to_size(i)], 1e-5);
}

TEST(mlp_router, starts_from_centroids_and_the_identity) {
  random_source random{3};
  const owned_ffn<float> ffn = random_ffn<float>(random, {.width = 6, .neurons = 12});
  const partition split = even_slices{}.split(ffn.view(), 3);
  const mlp_matrices<float> net = mlp_start<float>(ffn.view(), split);
  for (index_t e = 0; e < 3; ++e) {
    for (index_t h = 0; h < 3; ++h) EXPECT_EQ(net.second()(e, h), e == h ? 1.0f : 0.0f);
    for (index_t i = 0; i < 6; ++i) {
      double mean = 0;
      for (const index_t j : split.expert(e)) {
        double squares = 0;
        for (index_t c = 0; c < 6; ++c) squares += std::pow(static_cast<double>(ffn.gate[to_size(j * 6 + c)]), 2);
        mean += static_cast<double>(ffn.gate[to_size(j * 6 + i)]) / std::sqrt(squares) / 4;
      }
      EXPECT_NEAR(net.first()(e, i), mean, 1e-6);
    }
  }
}

}  // namespace
}  // namespace fissile::testing
