// A dense layer becomes 32 experts; with all of them on it is the dense layer; a router then runs only a few.
#include <fissile/fissile.hpp>

#include <cstdio>

// [readme]
int main() {
  using namespace fissile;
  constexpr index_t width = 128, neurons = 512, experts = 32, tokens = 64;
  random_source random{1};
  const auto numbers = [&](index_t n) {  // stands in for the weights of your model
    std::vector<float> v(to_size(n));
    for (float& x : v) x = static_cast<float>(random.uniform() - 0.5);
    return v;
  };
  const auto gate = numbers(neurons * width), up = numbers(neurons * width), down = numbers(width * neurons);
  const auto router_rows = numbers(experts * width), x = numbers(tokens * width);
  std::vector<float> y(x.size());
  const matrix_view<const float> in{x.data(), tokens, width};

  const ffn_weights<float> ffn{// borrowed, as model files hold them: rows are outputs
                               .gate = {gate.data(), neurons, width},
                               .up = {up.data(), neurons, width},
                               .down = {down.data(), width, neurons}};
  const sparse_ffn run{borrow(ffn, even_slices{}.split(ffn, experts)), silu{}};
  workspace work{run, {.batch = tokens}};  // all scratch, allocated once

  work.choose_all(tokens, experts);
  run(in, work, {y.data(), tokens, width});
  const bool exact = exactness(ffn, silu{}, in, {y.data(), tokens, width}) <= exactness_bound;
  std::printf("all experts on equals the dense layer: %s\n", exact ? "yes" : "no");

  const router choose{linear_scorer{{router_rows.data(), experts, width}}, sigmoid{}, top_k{.k = 4}};
  choose(in, work);
  run(in, work, {y.data(), tokens, width});  // an eighth of the work
  std::printf("token 0 went to experts");
  for (const choice& c : work.routes()[0]) std::printf(" %td", c.expert);
  std::printf("\n");
}
// [readme]
