// DSMoE on one made-up layer: experts behind gates learn to do the dense layer's work with fewer of them, with the
// straight-through rule and without it; then the threshold is moved and nothing is trained again.
#include <fissile/fissile.hpp>
#include <fissile/recipes/dsmoe.hpp>

#include <cstdio>

namespace {

using namespace fissile;
constexpr index_t width = 16, neurons = 64, batch = 256, steps = 300;

std::vector<float> numbers(random_source& random, index_t count, double scale) {
  std::vector<float> made(to_size(count));
  for (float& x : made) x = static_cast<float>(scale * random.normal());
  return made;
}

struct task {
  std::vector<float> gate, up, down, tokens, wanted;
  ffn_weights<float> ffn() const {
    return {{gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};
  }
  matrix_view<const float> in() const { return {tokens.data(), batch, width}; }
};

task made_up() {
  random_source random{4};
  task made{numbers(random, neurons * width, 0.25),
            numbers(random, neurons * width, 0.25),
            numbers(random, width * neurons, 0.25),
            numbers(random, batch * width, 1),
            {}};
  made.wanted.resize(made.tokens.size());
  dense_ffn(made.ffn(), silu{}, made.in(), {made.wanted.data(), batch, width});
  return made;
}

/// Mean squared distance from what was wanted; `slope`, where given, becomes its gradient.
double distance(const std::vector<float>& y, const std::vector<float>& wanted, std::vector<float>* slope = nullptr) {
  double sum = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const float apart = y[i] - wanted[i];
    sum += static_cast<double>(apart * apart) / static_cast<double>(y.size());
    if (slope != nullptr) (*slope)[i] = 2 * apart / static_cast<float>(y.size());
  }
  return sum;
}

// [train]
/// Trains the gates and `down` in place, and tells the share of experts that work in the end.
template <class Surrogate>
double train(task& work, std::vector<float>& rows, const dsmoe::choices& chosen, const Surrogate& slopes) {
  const trainable_ffn layer =
      dsmoe::layer(work.ffn(), matrix_view<float>{rows.data(), chosen.experts, width}, silu{}, chosen);
  training_scratch<float> scratch{layer, {.batch = batch}};
  tape<float> remembered{layer, scratch};
  std::vector<float> y(work.tokens.size()), slope(y.size()), down_slope(work.down.size()), rows_slope(rows.size());
  adam_state<float> of_down{length(work.down)}, of_rows{length(rows)};
  for (index_t step = 0; step < steps; ++step) {
    layer.forward(work.in(), remembered, {y.data(), batch, width});
    distance(y, work.wanted, &slope);
    std::fill(down_slope.begin(), down_slope.end(), 0.0f);
    std::fill(rows_slope.begin(), rows_slope.end(), 0.0f);
    dsmoe::penalty(1, chosen).add_gradient(remembered);
    layer.backward(remembered, {slope.data(), batch, width},
                   {.down = {down_slope.data(), width, neurons}, .router = {rows_slope.data(), chosen.experts, width}},
                   slopes);
    adam{.rate = 0.003}.step<float>(work.down, down_slope, of_down);
    adam{.rate = 0.01}.step<float>(rows, rows_slope, of_rows);
  }
  return active_share(std::as_const(remembered).weights());
}
// [train]

}  // namespace

int main() {
  const dsmoe::choices chosen{.experts = 8, .seed = 1, .if_none = nothing_active::strongest, .penalty = 0.3};
  task with = made_up(), without = made_up();
  std::vector<float> rows = dsmoe::random_gates(width, chosen), other_rows = rows;
  const double active = train(with, rows, chosen, straight_through{});
  train(without, other_rows, chosen, hard{});

  // [sweep]
  const auto at = [&](const task& work, const std::vector<float>& gates, float threshold) {
    dsmoe::choices now = chosen;
    now.threshold = threshold;
    const sparse_ffn run{borrow(work.ffn(), dsmoe::split(work.ffn(), now)), silu{}};
    const router choose = dsmoe::router_of({gates.data(), now.experts, width}, now);
    workspace memory{run, {.batch = batch}};
    std::vector<float> y(work.tokens.size());
    choose(work.in(), memory);
    run(work.in(), memory, {y.data(), batch, width});
    index_t experts = 0;
    for (const route& token : memory.routes()) experts += token.length();
    return std::pair{static_cast<double>(experts) / static_cast<double>(batch), distance(y, work.wanted)};
  };
  // [sweep]

  std::fprintf(stderr, "%.2f of the experts work after training\n", active);
  double last = 9;
  bool fewer = true;
  for (const float threshold : {0.2f, 0.3f, 0.4f, 0.5f, 0.6f, 0.7f, 0.8f}) {
    const auto [experts, loss] = at(with, rows, threshold);
    std::fprintf(stderr, "threshold %.1f: %.2f of 8 experts a token, distance %.4f\n", static_cast<double>(threshold),
                 experts, loss);
    fewer = fewer && experts <= last;
    last = experts;
  }
  const double straight = at(with, rows, 0.5f).second, plain = at(without, other_rows, 0.5f).second;
  std::fprintf(stderr, "at 0.5: straight-through %.4f, without it %.4f\n", straight, plain);
  std::printf("some experts rest: %s\n", active < 1 ? "yes" : "no");
  std::printf("a higher threshold never activates more: %s\n", fewer ? "yes" : "no");
  std::printf("training through the threshold beats training without: %s\n", straight < plain ? "yes" : "no");
}
