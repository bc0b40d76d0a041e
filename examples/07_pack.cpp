// Packed experts: one copy, laid out as the processor likes to read it, in the type you choose; the same calls as
// before.
#include <fissile/fissile.hpp>

#include <cstdio>

namespace {

using namespace fissile;
constexpr index_t width = 256, neurons = 768, experts = 12, batch = 24;

/// Runs all experts of a packed layer and says how far it is from the dense layer on the weights it holds.
template <class Packed>
void report(const char* name, Packed packed, matrix_view<const float> tokens) {
  const auto held = unpack(packed);  // float, bf16 and f16 come back bit by bit, int8 as what it means
  const double bytes = static_cast<double>(packed.bytes()) / static_cast<double>(3 * neurons * width);
  const sparse_ffn run{std::move(packed), silu{}};
  workspace work{run, {.batch = batch}};
  work.choose_all(batch, experts);
  std::vector<float> out(to_size(batch * width));
  run(tokens, work, {out.data(), batch, width});
  const double distance = exactness(held.view(), silu{}, tokens, {out.data(), batch, width});
  std::printf("%-14s %.2f bytes a weight, equals the dense layer on them: %s\n", name, bytes,
              distance <= exactness_bound ? "yes" : "no");
}

}  // namespace

int main() {
  random_source random{7};
  const auto numbers = [&](index_t count, double scale) {
    std::vector<float> made(to_size(count));
    for (float& x : made) x = static_cast<float>(scale * random.normal());
    return made;
  };
  const auto gate = numbers(neurons * width, 0.06), up = numbers(neurons * width, 0.06);
  const auto down = numbers(width * neurons, 0.04), x = numbers(batch * width, 1);
  const matrix_view<const float> tokens{x.data(), batch, width};
  const ffn_weights<float> ffn{
      {gate.data(), neurons, width}, {up.data(), neurons, width}, {down.data(), width, neurons}};

  // [pack]
  const partition split = shuffled{.seed = 3}.split(ffn, experts);  // 64 neurons each: no padding
  report("float", pack(ffn, split), tokens);                        // the type the weights are stored in
  report("bf16", pack<bf16>(ffn, split), tokens);
  report("f16", pack<f16>(ffn, split), tokens);
  report("int8", pack<int8>(ffn, split), tokens);                                    // a scale for each sum
  report("int8, by 64", pack<int8>(ffn, split, {.weights_per_scale = 64}), tokens);  // a scale for 64 weights
  // [pack]
}
