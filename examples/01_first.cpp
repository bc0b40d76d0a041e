// A dense layer becomes 32 experts: with all of them on it is the dense layer, then a router runs only four a token.
// [readme]
#include <cstdio>
#include <fissile/fissile.hpp>

int main() {
  using namespace fissile;
  constexpr index_t width = 128, neurons = 512, experts = 32, tokens = 64;
  random_source random{1};
  const auto numbers = [&](index_t n) {  // stands in for the weights and tokens of your model
    std::vector<float> v(to_size(n));
    for (float& x : v) x = static_cast<float>(random.uniform() - 0.5);
    return v;
  };
  const auto gate = numbers(neurons * width), up = numbers(neurons * width), down = numbers(width * neurons);
  const auto rows = numbers(experts * width), x = numbers(tokens * width);
  std::vector<float> y(x.size());
  const matrix_view<const float> in{x.data(), tokens, width};
  const matrix_view<float> out{y.data(), tokens, width};
  const ffn_weights<float> ffn{
      {gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};

  const sparse_ffn run{borrow(ffn, even_slices{}.split(ffn, experts)), silu{}};  // no weight is copied
  workspace work{run, {.batch = tokens}};                                        // all scratch, allocated once
  work.choose_all(tokens, experts);
  run(in, work, out);
  std::printf("equals the dense layer: %s\n", exactness(ffn, silu{}, in, out) <= exactness_bound ? "yes" : "no");
  const router choose{linear_scorer{{rows.data(), experts, width}}, sigmoid{}, top_k{.k = 4}};
  choose(in, work);
  run(in, work, out);  // an eighth of the work
  for (const choice& c : work.routes()[0]) std::printf("token 0 ran expert %td\n", c.expert);
}
// [readme]
