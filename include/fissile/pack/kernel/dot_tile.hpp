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

template <int tokens>
FISSILE_TARGET_AVX512_BF16 void dot_tile(const tile_work& work) noexcept {
  typedef std::int32_t pair_in_memory __attribute__((aligned(1), may_alias));
  floats<16> sums[tokens][4];
#pragma GCC unroll 8
  for (int t = 0; t < tokens; ++t) {
#pragma GCC unroll 8
    for (int w = 0; w < 4; ++w) load<16>(work.out[t] + 16 * w, sums[t][w]);
  }
  const std::byte* row = work.panel;
  const std::byte* ahead = work.ahead;
  const pair_in_memory* in[tokens];
#pragma GCC unroll 8
  for (int t = 0; t < tokens; ++t) in[t] = reinterpret_cast<const pair_in_memory*>(work.in[t]);
  const index_t whole = work.terms / 2;
  for (index_t step = 0; step < whole; ++step, row += 256) {
    for (index_t line = 0; line < work.ahead_bytes; line += 64) {
      __builtin_prefetch(ahead + line, 0, tokens <= 2 ? 3 : 2);
    }
    ahead += work.ahead_bytes;
    ints<16> weights[4];
#pragma GCC unroll 8
    for (int w = 0; w < 4; ++w) {
      if (tokens > 2) __builtin_prefetch(row + near_ahead + 64 * w, 0, 3);
      load_bits<16>(row + 64 * w, weights[w]);
    }
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
      const ints<16> x = ints<16>{} + in[t][step];
#pragma GCC unroll 8
      for (int w = 0; w < 4; ++w) dot_bf16(weights[w], x, sums[t][w]);
    }
  }
  if (work.terms % 2 != 0) {  // the last pair's second half is padding and its input does not exist
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
      const ints<16> x = ints<16>{} + reinterpret_cast<const bf16*>(in[t] + whole)->bits;
#pragma GCC unroll 8
      for (int w = 0; w < 4; ++w) {
        ints<16> weights;
        load_bits<16>(row + 64 * w, weights);
        dot_bf16(weights, x, sums[t][w]);
      }
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < tokens; ++t) {
#pragma GCC unroll 8
    for (int w = 0; w < 4; ++w) store<16>(sums[t][w], work.out[t] + 16 * w);
  }
}

}  // namespace fissile::kernel
#endif
