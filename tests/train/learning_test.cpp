// A few hundred steps on a small regression: the loss falls, gates move, closed experts open, and the penalty closes.
#include "train/problem.hpp"

#include <fissile/train/adam.hpp>
#include <fissile/train/penalty.hpp>
#include <fissile/weights/dense_ffn.hpp>

namespace fissile::testing {
namespace {

namespace task {
constexpr index_t width = 8, neurons = 48, experts = 6, batch = 64;
}

/// One list of parameters, where its gradients are added, and what Adam remembers of them.
struct learned_list {
  std::vector<float>* parameters;
  std::vector<float>* gradients;
  adam_state<float> memory;

  learned_list(std::vector<float>& p, std::vector<float>& g)
      : parameters(&p), gradients(&g), memory(fissile::length(p)) {}
  void step() {
    adam{.rate = 1e-2}.step<float>(*parameters, *gradients, memory);
    std::fill(gradients->begin(), gradients->end(), 0.0f);
  }
};

/// Tokens whose first feature is 1; what is to be learned is another layer's dense output.
struct lesson {
  random_source random;
  owned_ffn<float> teacher;
  problem<float, float, silu> student;

  explicit lesson(std::uint64_t seed)
      : random(seed),
        teacher(random_ffn<float>(random, {.width = task::width, .neurons = task::neurons})),
        student(random_problem<float, float>(
            random,
            {.layer = {.width = task::width, .neurons = task::neurons}, .experts = task::experts, .batch = task::batch},
            silu{})) {}

  void next(std::vector<float>& target) {
    student.tokens = random_numbers<float>(random, task::batch * task::width);
    for (index_t t = 0; t < task::batch; ++t) student.tokens[to_size(t * task::width)] = 1;
    dense_ffn(teacher.view(), silu{}, student.tokens_view(), {target.data(), task::batch, task::width});
  }
  /// All task::experts but the first begin far below the threshold for every token.
  void close_all_but_the_first() {
    for (float& weight : student.router) weight *= 0.05f;
    for (index_t e = 0; e < task::experts; ++e) student.router[to_size(e * task::width)] = e == 0 ? 1.5f : -1.0f;
  }
};

struct outcome {
  double first_loss = 0, last_loss = 0;      // means over ten batches
  double first_active = 0, last_active = 0;  // task::experts a token, the same
};

template <class Surrogate>
outcome learn(lesson& given, int steps, const Surrogate& slopes, activity_penalty penalty) {
  gradient_store<float> into{given.student.ffn, task::experts, task::batch};
  std::vector<learned_list> all;
  all.emplace_back(given.student.ffn.gate, into.gate);
  all.emplace_back(given.student.ffn.up, into.up);
  all.emplace_back(given.student.ffn.down, into.down);
  all.emplace_back(given.student.router, into.router);
  const auto layer = given.student.layer();  // borrows what the steps change
  training_scratch scratch{layer, {.batch = task::batch}};
  tape remembered{layer, scratch};
  std::vector<float> out(to_size(task::batch * task::width)), target(out.size()), out_gradient(out.size());
  outcome made;
  for (int step = 1; step <= steps; ++step) {
    given.next(target);
    layer.forward(given.student.tokens_view(), remembered, {out.data(), task::batch, task::width});
    double loss = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const float error = out[i] - target[i];
      loss += static_cast<double>(error * error) / static_cast<double>(task::batch);
      out_gradient[i] = 2 * error / static_cast<float>(task::batch);
    }
    double active = 0;
    for (index_t t = 0; t < task::batch; ++t) {
      for (const float weight : std::as_const(remembered).weights().row(t))
        active += weight > 0 ? 1.0 / task::batch : 0.0;
    }
    if (step <= 10) made.first_loss += loss / 10, made.first_active += active / 10;
    if (step > steps - 10) made.last_loss += loss / 10, made.last_active += active / 10;
    penalty.add_gradient(remembered);
    ffn_gradients<float> trained = into.view();
    trained.tokens = {};
    layer.backward(remembered, {out_gradient.data(), task::batch, task::width}, trained, slopes);
    for (learned_list& each : all) each.step();
  }
  return made;
}

TEST(learning, lowers_the_loss_and_moves_the_gates) {
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    lesson given{seed};
    const std::vector<float> router = given.student.router;
    const outcome made = learn(given, 200, straight_through{}, {.weight = 0});
    EXPECT_LT(made.last_loss, 0.35 * made.first_loss);
    double moved = 0;
    for (std::size_t i = 0; i < router.size(); ++i) {
      moved += std::abs(static_cast<double>(router[i] - given.student.router[i])) / static_cast<double>(router.size());
    }
    EXPECT_GT(moved, 0.05);
  }
}

TEST(learning, straight_through_opens_closed_experts_and_hard_cannot) {
  lesson through{4}, real{4};
  through.close_all_but_the_first();
  real.close_all_but_the_first();
  const outcome opened = learn(through, 200, straight_through{}, {.weight = 0});
  const outcome stuck = learn(real, 200, hard{}, {.weight = 0});
  EXPECT_LT(opened.first_active, 1.5);
  EXPECT_GT(opened.last_active, 2);
  EXPECT_LE(stuck.last_active, 1);
  EXPECT_LT(opened.last_loss, 0.7 * stuck.last_loss);
}

TEST(learning, the_penalty_leaves_fewer_experts_active) {
  lesson free{5}, charged{5};
  const outcome without = learn(free, 200, straight_through{}, {.weight = 0});
  const outcome with = learn(charged, 200, straight_through{}, {.weight = 10});
  EXPECT_LT(with.last_active, 0.8 * without.last_active);
}

}  // namespace
}  // namespace fissile::testing
