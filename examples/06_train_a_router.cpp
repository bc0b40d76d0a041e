// A router learns through a hard threshold which experts a token needs, and the sparse layer then runs with it.
#include <fissile/fissile.hpp>

#include <cstdio>

namespace {

using namespace fissile;

std::vector<float> numbers(random_source& random, index_t count, double scale) {
  std::vector<float> made(to_size(count));
  for (float& x : made) x = static_cast<float>(scale * random.normal());
  return made;
}

}  // namespace

int main() {
  constexpr index_t width = 16, neurons = 64, experts = 8, batch = 128, steps = 400;
  random_source random{4};
  std::vector<float> gate = numbers(random, neurons * width, 0.25), up = numbers(random, neurons * width, 0.25),
                     down = numbers(random, width * neurons, 0.25), rows = numbers(random, experts * width, 0.1);
  const std::vector<float> x = numbers(random, batch * width, 1);
  const matrix_view<const float> tokens{x.data(), batch, width};
  const ffn_weights<float> ffn{
      {gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};
  std::vector<float> wanted(x.size()), y(x.size()), slope(x.size());
  dense_ffn(ffn, silu{}, tokens, {wanted.data(), batch, width});  // the task: do as the dense layer did, with fewer

  // [train]
  const partition split = even_slices{}.split(ffn, experts);
  const threshold_gate rule{.threshold = 0.5f, .if_none = nothing_active::strongest};
  const trainable_ffn layer{borrow(ffn, split), matrix_view<float>{rows.data(), experts, width}, silu{}, rule};
  training_scratch scratch{layer, {.batch = batch}};
  tape remembered{layer, scratch};
  std::vector<float> down_slope(down.size()),
      rows_slope(rows.size());  // what is left out of the gradients stays frozen
  const activity_penalty penalty{.weight = 0.2};
  double first = 0, last = 0;
  for (index_t step = 0; step < steps; ++step) {
    layer.forward(tokens, remembered, {y.data(), batch, width});
    last = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {  // loss: mean squared distance
      const float distance = y[i] - wanted[i];
      slope[i] = 2 * distance / static_cast<float>(y.size());
      last += static_cast<double>(distance * distance) / static_cast<double>(y.size());
    }
    if (step == 0) first = last;
    std::fill(down_slope.begin(), down_slope.end(), 0.0f);  // gradients are added to
    std::fill(rows_slope.begin(), rows_slope.end(), 0.0f);
    penalty.add_gradient(remembered);
    layer.backward(remembered, {slope.data(), batch, width},
                   {.down = {down_slope.data(), width, neurons}, .router = {rows_slope.data(), experts, width}},
                   straight_through{});
    for (std::size_t i = 0; i < down.size(); ++i) down[i] -= 0.5f * down_slope[i];
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] -= 0.5f * rows_slope[i];
  }
  // [train]

  // [use]
  const sparse_ffn run{borrow(ffn, split), silu{}};
  const router choose{linear_scorer{{rows.data(), experts, width}}, sigmoid{}, rule};  // the same gate, the same rows
  workspace work{run, {.batch = batch}};
  choose(tokens, work);
  run(tokens, work, {y.data(), batch, width});
  // [use]
  index_t active = 0;
  for (const route& chosen : work.routes()) active += chosen.length();
  double loss = 0;
  for (std::size_t i = 0; i < y.size(); ++i) loss += static_cast<double>((y[i] - wanted[i]) * (y[i] - wanted[i]));
  loss /= static_cast<double>(y.size());
  std::fprintf(stderr, "loss %.4f -> %.4f in training, %.4f sparse; %.2f of %td experts a token\n", first, last, loss,
               static_cast<double>(active) / batch, experts);
  std::printf("training halved the loss: %s\n", last < first / 2 ? "yes" : "no");
  std::printf("the sparse layer keeps it: %s\n", loss < first / 2 ? "yes" : "no");
  std::printf("some experts rest: %s\n", active < batch * experts ? "yes" : "no");
}
