// The tile over pairs of bf16 by vdpbf16ps: twice the products a cycle of any float instruction.
//
// The one kernel with intrinsics: nothing else reaches them. Its portable twin is reader<rounded_inputs>.
#pragma once

#include <fissile/pack/kernel/tile.hpp>

#if FISSILE_X86_TARGETS
#include <immintrin.h>

namespace fissile::kernel {

template <int tokens>
FISSILE_TARGET_AVX512_BF16 void dot_tile(const tile_work& work) noexcept {
  typedef std::int32_t pair_in_memory __attribute__((aligned(1), may_alias));
  __m512 sums[tokens][4];
#pragma GCC unroll 8
  for (int t = 0; t < tokens; ++t) {
#pragma GCC unroll 8
    for (int w = 0; w < 4; ++w) sums[t][w] = _mm512_loadu_ps(work.out[t] + 16 * w);
  }
  const std::byte* row = work.panel;
  const std::byte* ahead = work.ahead;
  const pair_in_memory* in[tokens];
#pragma GCC unroll 8
  for (int t = 0; t < tokens; ++t) in[t] = reinterpret_cast<const pair_in_memory*>(work.in[t]);
  const index_t whole = work.terms / 2;
  for (index_t step = 0; step < whole; ++step, row += 256) {
    for (index_t line = 0; line < work.ahead_lines; ++line, ahead += 64) {
      __builtin_prefetch(ahead, 0, tokens <= 2 ? 3 : 2);
    }
    __m512i weights[4];
#pragma GCC unroll 8
    for (int w = 0; w < 4; ++w) weights[w] = _mm512_loadu_si512(row + 64 * w);
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
      const __m512i x = _mm512_set1_epi32(in[t][step]);
#pragma GCC unroll 8
      for (int w = 0; w < 4; ++w) sums[t][w] = _mm512_dpbf16_ps(sums[t][w], (__m512bh)weights[w], (__m512bh)x);
    }
  }
  if (work.terms % 2 != 0) {  // the last pair's second half is padding and its input does not exist
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
      const __m512i x = _mm512_set1_epi32(reinterpret_cast<const std::uint16_t*>(in[t] + whole)[0]);
#pragma GCC unroll 8
      for (int w = 0; w < 4; ++w) {
        sums[t][w] = _mm512_dpbf16_ps(sums[t][w], (__m512bh)_mm512_loadu_si512(row + 64 * w), (__m512bh)x);
      }
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < tokens; ++t) {
#pragma GCC unroll 8
    for (int w = 0; w < 4; ++w) _mm512_storeu_ps(work.out[t] + 16 * w, sums[t][w]);
  }
}

}  // namespace fissile::kernel
#endif
