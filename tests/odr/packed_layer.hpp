// One packed layer, packed and run by each file that includes this: files built for different instruction sets share
// the library's inline functions, and must still agree. Not the whole of fissile.hpp: Eigen, which training uses,
// refuses AVX-512 without FMA.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/pack/packed_matrix.hpp>
#include <fissile/run/sparse_ffn.hpp>

#include <array>
#include <vector>

/// What a file sees of the library: must not depend on its flags.
struct library_seen {
  std::array<std::size_t, 12> sizes;  // of public types, and of the layout of a layer
  bool fused;                         // the one thing that does depend on them
};
/// The outputs of one layer, stored and multiplied in several ways, all experts on. [5 x 7 x 70]
using outputs = std::vector<float>;

library_seen seen_by_plain();
library_seen seen_by_avx2();
library_seen seen_by_avx512();
outputs outputs_by_plain();
outputs outputs_by_avx2();
outputs outputs_by_avx512();

namespace {

[[maybe_unused]] library_seen seen_here() {
  using namespace fissile;
  const panel_layout<bf16> layout{70, 90, true, 0};
  return {.sizes = {sizeof(matrix_view<float>), sizeof(ffn_weights<float>), sizeof(partition), sizeof(route),
                    sizeof(workspace), sizeof(packed_experts<float>), sizeof(packed_matrix<int8>),
                    sizeof(expert_panels<bf16>), sizeof(kernel::tile_work), sizeof(kernel::tile_table),
                    sizeof(tile_sums<4, 8>), to_size(layout.bytes())},
          .fused = arithmetic::fused};
}

[[maybe_unused]] outputs outputs_here() {
  using namespace fissile;
  constexpr index_t width = 70, neurons = 90, tokens = 7;
  random_source random{3};
  std::vector<float> gate(width * neurons), up(gate.size()), down(gate.size()), x(tokens * width);
  for (std::vector<float>* numbers : {&gate, &up, &down, &x}) {
    for (float& number : *numbers) number = static_cast<float>(random.uniform() - 0.5);
  }
  const ffn_weights<float> ffn{
      .gate = {gate.data(), neurons, width}, .up = {up.data(), neurons, width}, .down = {down.data(), width, neurons}};
  const partition split = even_slices{}.split(ffn, 4);
  outputs all;
  const auto add = [&](auto experts) {
    const sparse_ffn run{std::move(experts), silu{}};
    workspace work{run, {.batch = tokens}};
    work.choose_all(tokens, 4);
    std::vector<float> y(x.size());
    run({x.data(), tokens, width}, work, {y.data(), tokens, width});
    all.insert(all.end(), y.begin(), y.end());
    work.choose_all(1, 4);  // the same bits for one token alone, whichever file's functions were linked
    run({x.data(), 1, width}, work, {y.data(), 1, width});
    all.insert(all.end(), y.begin(), y.begin() + width);
  };
  add(borrow(ffn, split));
  add(pack(ffn, split));
  add(pack(ffn, split, {.instructions = instruction_set::base}));
  add(pack<bf16>(ffn, split, {.products = products::bf16_dot}));
  add(pack<int8>(ffn, split));
  return all;
}

}  // namespace
