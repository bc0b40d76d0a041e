// The tile of vdpbf16ps against its portable twin, which any processor can run.
#include <fissile/pack/kernel/tile_table.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile::kernel {
namespace {

#if FISSILE_X86_TARGETS
/// The instruction adds the upper product first, and each with one rounding; so does the twin, since a product of two
/// bf16 is a float. Only numbers below the normal ones differ, which the instruction takes for zero.
TEST(dot_tile, agrees_with_its_portable_twin) {
  if (!available(instruction_set::avx512_bf16)) GTEST_SKIP() << "this processor has no vdpbf16ps";
  random_source random{1};
  for (const index_t terms : {1, 2, 7, 64, 333}) {
    const auto weights = testing::random_numbers<bf16>(random, (terms + 1) / 2 * 2 * 64);
    const auto inputs = testing::random_numbers<bf16>(random, most_tokens * terms);
    for (int tile = 0; tile < 4; ++tile) {
      auto sums = testing::random_numbers<float>(random, most_tokens * 64), twin = sums;
      const auto run = [&](instruction_set set, std::vector<float>& into) {
        const std::byte* in[most_tokens];
        float* out[most_tokens];
        for (index_t t = 0; t < most_tokens; ++t) {
          in[t] = reinterpret_cast<const std::byte*>(inputs.data() + t * terms);
          out[t] = into.data() + t * 64;
        }
        const auto* panel = reinterpret_cast<const std::byte*>(weights.data());
        tiles_for<rounded_inputs>(set).of[tile]({panel, terms, in, out, nullptr, panel, 0});
      };
      const std::vector<float> before = sums;
      run(instruction_set::avx512_bf16, sums);
      run(instruction_set::base, twin);
      const std::size_t computed = to_size(64 * tile_table::tokens_at(tile));
      for (std::size_t i = 0; i < sums.size(); ++i) {
        if (i >= computed) {
          ASSERT_EQ(sums[i], before[i]) << "a token that is not in the tile";
        } else {
          ASSERT_NEAR(sums[i], twin[i], 1e-6f * static_cast<float>(terms)) << terms << " terms, tile " << tile;
          ASSERT_NE(sums[i], before[i]);
        }
      }
    }
  }
}
#endif

}  // namespace
}  // namespace fissile::kernel
