// Distillation on a planted problem, where a router exists that loses nothing; stopped and resumed; and what it
// refuses.
#include "train/problem.hpp"

#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/train/distil.hpp>
#include <fissile/weights/dense_ffn.hpp>

namespace fissile::testing {
namespace {

/// Features come in as many blocks as there are experts; a token lives in one of them, whose first feature marks it.
/// The neurons of an expert look at its block alone, so that for every token all experts but one give nothing.
template <std::floating_point A>
struct planted {
  static constexpr index_t experts = 6, block = 4, width = experts * block, neurons = experts * 5, batch = 48;
  owned_ffn<A> ffn;
  partition split = even_slices{}.split(neurons, experts);
  random_source random;
  std::vector<A> x = std::vector<A>(to_size(batch * width)), y = x;

  explicit planted(std::uint64_t seed)
      : ffn([&] {
          random_source drawn{seed};
          return random_ffn<A>(drawn, {.width = width, .neurons = neurons});
        }()),
        random(seed + 100) {
    for (index_t neuron = 0; neuron < neurons; ++neuron) {
      for (index_t i = 0; i < width; ++i) {
        const bool seen = i / block == neuron / 5;
        for (std::vector<A>* rows : {&ffn.gate, &ffn.up}) (*rows)[to_size(neuron * width + i)] *= seen ? A(2) : A(0);
      }
    }
  }
  void next() {
    for (index_t token = 0; token < batch; ++token) {
      const index_t lives = random.below(experts);
      for (index_t i = 0; i < width; ++i) {
        const bool marks = i == lives * block;
        x[to_size(token * width + i)] = marks ? A(1) : i / block == lives ? static_cast<A>(random.normal()) : A(0);
      }
    }
    dense_ffn<A, A>(ffn.view(), silu{}, tokens(), {y.data(), batch, width});
  }
  matrix_view<const A> tokens() const { return {x.data(), batch, width}; }
  matrix_view<const A> wanted() const { return {y.data(), batch, width}; }
};

distil_settings planted_settings(index_t steps, double expert_rate = 0) {
  return {.batch = 48,
          .steps = steps,
          .router_rate = 5e-2,
          .expert_rate = expert_rate,
          .share = {.target = 1.0 / 6},
          .first_penalty = 0.01};
}

template <std::floating_point A>
void expect_found(std::uint64_t seed) {
  planted<A> problem{seed};
  distiller pupil{problem.ffn.view(), problem.split, silu{}, planted_settings(400)};
  problem.next();
  const distil_measure before = pupil.measure(problem.tokens(), problem.wanted());
  while (!pupil.done()) {
    problem.next();
    pupil.step(problem.tokens(), problem.wanted());
  }
  problem.next();
  const distil_measure after = pupil.measure(problem.tokens(), problem.wanted());
  EXPECT_GT(before.loss, 0.1);
  EXPECT_LT(after.loss, 0.1 * before.loss);
  EXPECT_LT(after.loss, 0.02);
  EXPECT_NEAR(after.active, 1.0 / 6, 0.05);
  index_t right = 0;
  for (index_t token = 0; token < problem.batch; ++token) {
    index_t best = 0, lives = 0;
    double most = -1e300;
    for (index_t e = 0; e < problem.experts; ++e) {
      double score = 0;
      for (index_t i = 0; i < problem.width; ++i) {
        score += static_cast<double>(pupil.rows()(e, i)) * static_cast<double>(problem.tokens()(token, i));
      }
      if (score > most) most = score, best = e;
      if (problem.tokens()(token, e * problem.block) == A(1)) lives = e;
    }
    right += best == lives ? 1 : 0;
  }
  EXPECT_GE(right, problem.batch - 1) << "its best expert is the one that matters";
}
TEST(distil, finds_a_planted_router) {
  expect_found<float>(1);
  expect_found<double>(2);
}

TEST(distil, experts_that_learn_lose_less) {
  random_source random{5};
  const owned_ffn<float> ffn = random_ffn<float>(random, {.width = 12, .neurons = 48, .biased = biases::present});
  const partition split = even_slices{}.split(ffn.view(), 8);
  const auto loss_with = [&](double expert_rate) {
    distil_settings chosen{.batch = 64, .steps = 200, .expert_rate = expert_rate, .share = {.target = 0.4}};
    distiller pupil{ffn.view(), split, silu{}, chosen};
    random_source tokens{6};
    double last = 0;
    std::vector<float> y(64 * 12);
    while (!pupil.done()) {
      const std::vector<float> x = random_numbers<float>(tokens, 64 * 12);
      dense_ffn(ffn.view(), silu{}, {x.data(), 64, 12}, {y.data(), 64, 12});
      const distil_measure seen = pupil.step({x.data(), 64, 12}, {y.data(), 64, 12});
      if (pupil.state().steps > 170) last += seen.loss / 30;
    }
    const bool moved = flatten<float>(pupil.experts()) != flatten<float>(ffn.view());
    EXPECT_EQ(moved, expert_rate > 0);
    return last;
  };
  EXPECT_LT(loss_with(5e-3), 0.8 * loss_with(0));
}

template <std::floating_point A>
void expect_same_when_resumed(double expert_rate) {
  const distil_settings chosen = planted_settings(40, expert_rate);
  planted<A> one{7}, other{7};
  distiller whole{one.ffn.view(), one.split, silu{}, chosen};
  distil_state<A> saved;
  {
    distiller first{other.ffn.view(), other.split, silu{}, chosen};
    for (int step = 0; step < 17; ++step) {
      other.next();
      first.step(other.tokens(), other.wanted());
    }
    saved = first.state();
  }
  distil_settings another_start = chosen;
  another_start.seed = 99;  // what it began with is forgotten
  distiller second{other.ffn.view(), other.split, silu{}, another_start};
  second.resume(saved);
  EXPECT_EQ(second.state(), saved);
  while (!whole.done()) {
    one.next();
    whole.step(one.tokens(), one.wanted());
  }
  while (!second.done()) {
    other.next();
    second.step(other.tokens(), other.wanted());
  }
  EXPECT_EQ(second.state(), whole.state());
  EXPECT_NE(whole.state().router, saved.router);
}
TEST(distil, resumed_equals_uninterrupted_bit_for_bit) {
  expect_same_when_resumed<float>(0);
  expect_same_when_resumed<float>(1e-2);
  expect_same_when_resumed<double>(1e-2);
}

TEST(distil, teaches_the_router_that_inference_runs) {
  planted<float> problem{8};
  const distil_settings chosen = planted_settings(60);
  distiller pupil{problem.ffn.view(), problem.split, silu{}, chosen};
  while (!pupil.done()) {
    problem.next();
    pupil.step(problem.tokens(), problem.wanted());
  }
  const distil_measure trained = pupil.measure(problem.tokens(), problem.wanted());
  const sparse_ffn run{borrow(problem.ffn.view(), problem.split), silu{}};
  const router choose{linear_scorer{pupil.rows()}, sigmoid{}, chosen.rule};
  workspace work{run, {.batch = problem.batch}};
  std::vector<float> out(problem.y.size());
  choose(problem.tokens(), work);
  run(problem.tokens(), work, {out.data(), problem.batch, problem.width});
  double apart = 0, whole = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    apart += std::pow(static_cast<double>(out[i] - problem.y[i]), 2);
    whole += std::pow(static_cast<double>(problem.y[i]), 2);
  }
  index_t active = 0;
  for (const route& one : work.routes()) active += one.length();
  EXPECT_NEAR(apart / whole, trained.loss, 1e-4 * trained.loss + 1e-9);
  EXPECT_NEAR(static_cast<double>(active) / (problem.batch * problem.experts), trained.active, 1e-12);
}

TEST(distil, starts_from_given_rows_and_measures_without_learning) {
  planted<float> problem{9};
  problem.next();
  distiller pupil{problem.ffn.view(), problem.split, silu{}, planted_settings(10)};
  std::vector<float> rows(to_size(problem.experts * problem.width));
  for (index_t e = 0; e < problem.experts; ++e) rows[to_size(e * problem.width + e * problem.block)] = 30;
  pupil.start_from({rows.data(), problem.experts, problem.width});
  const distil_state<float> before = pupil.state();
  const distil_measure seen = pupil.measure(problem.tokens(), problem.wanted());
  EXPECT_LT(seen.loss, 1e-9) << "the planted router loses nothing";
  EXPECT_NEAR(seen.active, 1.0 / 6, 1e-12);
  EXPECT_EQ(pupil.state(), before);
  EXPECT_NE(refusal_of<shape_error>([&] {
              pupil.start_from({rows.data(), 2, 3});
            }).find("distiller: rows"),
            std::string::npos);
}

/// Between the two lies one step, which is counted as undefined.
void expect_nothing_learned(const distil_state<float>& before, const distil_state<float>& after) {
  EXPECT_EQ(after.undefined, 1);
  EXPECT_EQ(after.steps, 1);
  EXPECT_EQ(after.router, before.router);
  EXPECT_EQ(after.layer, before.layer);
}

TEST(distil, learns_nothing_from_a_loss_that_is_no_number) {
  planted<float> problem{10};
  problem.next();
  distiller pupil{problem.ffn.view(), problem.split, silu{}, planted_settings(10, 1e-2)};
  const distil_state<float> before = pupil.state();
  problem.y[3] = std::nanf("");
  const distil_measure seen = pupil.step(problem.tokens(), problem.wanted());
  EXPECT_TRUE(std::isnan(seen.loss));
  expect_nothing_learned(before, pupil.state());
  std::fill(problem.y.begin(), problem.y.end(), 0.0f);
  EXPECT_TRUE(std::isfinite(pupil.step(problem.tokens(), problem.wanted()).loss)) << "nothing wanted at all";
}

TEST(distil, refuses_what_does_not_fit) {
  planted<float> problem{11};
  const auto refusal = [&](distil_settings wrong) {
    return refusal_of<setting_error>([&] { distiller{problem.ffn.view(), problem.split, silu{}, wrong}; });
  };
  EXPECT_NE(refusal({.batch = 0}).find("batch"), std::string::npos);
  EXPECT_NE(refusal({.steps = 0}).find("steps"), std::string::npos);
  EXPECT_NE(refusal({.router_rate = -1}).find("rate"), std::string::npos);
  EXPECT_NE(refusal({.rule = {.threshold = 1}}).find("threshold"), std::string::npos);
  EXPECT_NE(refusal({.share = {.target = 2}}).find("target"), std::string::npos);
  EXPECT_NE(refusal({.first_penalty = -1}).find("first_penalty"), std::string::npos);
  EXPECT_NE(refusal({.init_scale = -1}).find("init_scale"), std::string::npos);
  distiller routers{problem.ffn.view(), problem.split, silu{}, planted_settings(5)};
  const distiller experts{problem.ffn.view(), problem.split, silu{}, planted_settings(5, 1e-2)};
  EXPECT_NE(refusal_of<shape_error>([&] { routers.resume(experts.state()); }).find("layer"), std::string::npos);
  EXPECT_NE(refusal_of<shape_error>([&] { routers.resume({}); }).find("router"), std::string::npos);
}

TEST(distil, learns_nothing_from_a_token_that_is_no_number) {
  planted<float> problem{11};
  problem.next();
  distiller pupil{problem.ffn.view(), problem.split, silu{}, planted_settings(10, 1e-2)};
  const distil_state<float> before = pupil.state();
  problem.x[3] = std::nanf("");
  pupil.step(problem.tokens(), problem.wanted());
  expect_nothing_learned(before, pupil.state());
}

}  // namespace
}  // namespace fissile::testing
