// Finedeep on one made-up layer: its neurons as four sub-layers of four experts learn a function, forward and backward
// in the library; then the trained layer runs from panels, and says what it said in training.
#include <fissile/fissile.hpp>
#include <fissile/recipes/finedeep.hpp>
#include <fissile/recipes/finedeep_ffn.hpp>

#include <cmath>
#include <cstdio>

namespace {

using namespace fissile;
constexpr index_t width = 16, neurons = 64, batch = 128, steps = 200;

std::vector<float> numbers(random_source& random, index_t count, double scale) {
  std::vector<float> made(to_size(count));
  for (float& x : made) x = static_cast<float>(scale * random.normal());
  return made;
}

/// The numbers a layer learns, and what Adam remembers of each of them.
struct learned {
  std::vector<float> numbers, gradient;
  adam_state<float> state;
  explicit learned(std::vector<float> start)
      : numbers(std::move(start)), gradient(numbers.size()), state(length(numbers)) {}
  matrix_view<const float> view(index_t rows) const { return {numbers.data(), rows, length(numbers) / rows}; }
  matrix_view<float> slope(index_t rows) { return {gradient.data(), rows, length(gradient) / rows}; }
  void step() { adam{.rate = 0.003}.step<float>(numbers, gradient, state); }
};

}  // namespace

int main() {
  random_source random{3};
  const finedeep::choices chosen{.sublayers = 4, .experts = 4, .seed = 1};
  learned gate{numbers(random, neurons * width, 0.25)}, up{numbers(random, neurons * width, 0.25)};
  learned down{numbers(random, width * neurons, 0.1)};
  learned routers{finedeep::random_routers(width, chosen)}, norms{finedeep::unit_norms(width, chosen)};
  const auto tokens = numbers(random, batch * width, 1);
  std::vector<float> wanted = tokens, out(tokens.size()), slope(tokens.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] += std::sin(3 * tokens[i ^ 1]);  // depends on a neighbour
  const matrix_view<const float> in{tokens.data(), batch, width};

  // [train]
  const ffn_weights<float> ffn{gate.view(neurons), up.view(neurons), down.view(width)};
  const auto layer =
      finedeep::layer(finedeep_weights<float, float>{ffn, routers.view(chosen.sublayers * chosen.experts),
                                                     norms.view(chosen.sublayers)},
                      silu{}, chosen);
  training_scratch<float> scratch{layer, {.batch = batch}};
  finedeep_tape remembered{layer, scratch};
  double first = 0, last = 0;
  for (index_t step = 0; step < steps; ++step) {
    layer.forward(in, remembered, {out.data(), batch, width});
    last = 0;
    for (std::size_t i = 0; i < out.size(); ++i) {
      slope[i] = 2 * (out[i] - wanted[i]) / static_cast<float>(out.size());
      last += std::pow(static_cast<double>(out[i] - wanted[i]), 2) / static_cast<double>(out.size());
    }
    if (step == 0) first = last;
    for (learned* one : {&gate, &up, &down, &routers, &norms})
      std::fill(one->gradient.begin(), one->gradient.end(), 0.0f);
    layer.backward(remembered, {slope.data(), batch, width},
                   {.layer = {.gate = gate.slope(neurons),
                              .up = up.slope(neurons),
                              .down = down.slope(width),
                              .router = routers.slope(chosen.sublayers * chosen.experts)},
                    .norms = norms.slope(chosen.sublayers)});
    for (learned* one : {&gate, &up, &down, &routers, &norms}) one->step();
  }
  // [train]
  layer.forward(in, remembered, {out.data(), batch, width});
  finedeep::activity_count active;
  for (index_t j = 0; j < chosen.sublayers; ++j) {
    active += finedeep::count_non_sparse(std::as_const(remembered).activated(j), 0.1);
  }

  // [run]
  const finedeep_ffn run{pack(ffn, finedeep::split(ffn, chosen)),
                         silu{},
                         finedeep::grid(chosen),
                         {routers.view(chosen.sublayers * chosen.experts), norms.view(chosen.sublayers)}};
  finedeep_workspace work{run, {.batch = batch}};
  std::vector<float> stream = tokens;  // h_0 in, h_M out
  run({stream.data(), batch, width}, work);
  // [run]
  float apart = 0;
  for (std::size_t i = 0; i < out.size(); ++i) apart = std::max(apart, std::abs(stream[i] - out[i]));

  std::fprintf(stderr, "distance %.4f -> %.4f; %.2f of the activations above .1; panels %.1e from training\n", first,
               last, active.rate(), static_cast<double>(apart));
  std::printf("it learns: %s\n", last < first / 2 ? "yes" : "no");
  std::printf("the panels say what training said: %s\n", apart < 1e-4f ? "yes" : "no");
  std::printf("it learns %td numbers, the dense layer %td\n", finedeep::parameters(ffn, chosen), parameters_of(ffn));
}
