// The second file: includes everything, and uses what is inline.
#include <fissile/fissile.hpp>

double all_on_error(fissile::index_t experts) {
  using namespace fissile;
  random_source random{3};
  std::vector<float> gate(64 * 8), up(64 * 8), down(64 * 8), token(8), out(8);
  for (std::vector<float>* numbers : {&gate, &up, &down, &token}) {
    for (float& x : *numbers) x = static_cast<float>(random.uniform() - 0.5);
  }
  const ffn_weights<float> ffn{.gate = {gate.data(), 64, 8}, .up = {up.data(), 64, 8}, .down = {down.data(), 8, 64}};
  const sparse_ffn run{borrow(ffn, even_slices{}.split(ffn, experts)), silu{}};
  workspace work{run};
  work.choose_all(1, experts);
  run({token.data(), 1, 8}, work, {out.data(), 1, 8});
  return exactness(ffn, silu{}, {token.data(), 1, 8}, {out.data(), 1, 8});
}
