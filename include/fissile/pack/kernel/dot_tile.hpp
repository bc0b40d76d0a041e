// The tile over pairs of bf16 by vdpbf16ps: twice the products a cycle of any float instruction.
//
// The one kernel that asks the compiler for an instruction of its set: nothing else reaches it. Its portable twin is
// reader<rounded_inputs>. <immintrin.h> would double the time that a user's file takes to compile.
#pragma once

#include <fissile/pack/kernel/tile.hpp>

#if FISSILE_X86_TARGETS

namespace fissile::kernel {

/// sum += w[2i] * x[2i] + w[2i + 1] * x[2i + 1] of pairs of bf16.
FISSILE_TARGET_AVX512_BF16 FISSILE_INSIDE void dot_bf16(const ints<16>& weights, const ints<16>& inputs,
                                                        floats<16>& sum) {
#if defined(__clang__)
  sum = __builtin_ia32_dpbf16ps_512(sum, weights, inputs);
#else
  asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(weights), "v"(inputs));
#endif
}

template <int tokens, int panels = 1>
FISSILE_TARGET_AVX512_BF16 void dot_tile(const tile_work& work) noexcept {
  typedef std::int32_t pair_in_memory __attribute__((aligned(1), may_alias));
  floats<16> sums[panels][tokens][4];
#pragma GCC unroll 8
  for (int r = 0; r < panels * tokens; ++r) {
#pragma GCC unroll 8
    for (int w = 0; w < 4; ++w) load<16>(work.out[r] + 16 * w, sums[r / tokens][r % tokens][w]);
  }
  const std::byte* row[panels];
#pragma GCC unroll 8
  for (int p = 0; p < panels; ++p) row[p] = work.panel + p * work.panel_bytes;
  const std::byte* ahead = work.ahead;
  const index_t last_place = work.ahead_apart == 0 ? 0 : streams - 1;
  const pair_in_memory* in[tokens];
#pragma GCC unroll 8
  for (int t = 0; t < tokens; ++t) in[t] = reinterpret_cast<const pair_in_memory*>(work.in[t]);
  const index_t whole = work.terms / 2;
  for (index_t step = 0; step <= whole; ++step) {
    if (step == whole && work.terms % 2 == 0) break;  // else a last pair, whose second half is padding without an input
    if constexpr (panels == 1) {
      const index_t place = step & last_place;
      for (index_t line = 0; line < work.ahead_bytes; line += 64) {
        __builtin_prefetch(ahead + place * work.ahead_apart + line, 0, tokens <= 2 ? 3 : 2);
      }
      ahead += place == last_place ? work.ahead_bytes : 0;
    }
#pragma GCC unroll 8
    for (int p = 0; p < panels; ++p, row[p - 1] += 256) {
      ints<16> weights[4];
#pragma GCC unroll 8
      for (int w = 0; w < 4; ++w) {
        if (tokens > 2 || panels > 1)
          __builtin_prefetch(row[p] + (panels > 1 ? stream_ahead : near_ahead) + 64 * w, 0, 3);
        load_bits<16>(row[p] + 64 * w, weights[w]);
      }
#pragma GCC unroll 8
      for (int t = 0; t < tokens; ++t) {
        const std::int32_t pair = step < whole ? in[t][step] : reinterpret_cast<const bf16*>(in[t] + whole)->bits;
        const ints<16> x = ints<16>{} + pair;
#pragma GCC unroll 8
        for (int w = 0; w < 4; ++w) dot_bf16(weights[w], x, sums[p][t][w]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < panels * tokens; ++r) {
#pragma GCC unroll 8
    for (int w = 0; w < 4; ++w) store<16>(sums[r / tokens][r % tokens][w], work.out[r] + 16 * w);
  }
}

}  // namespace fissile::kernel
#endif
