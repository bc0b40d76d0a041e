// How many products a processor can add in a second: independent chains in registers, one function a set.
#pragma once

#include <fissile/pack/instruction_set.hpp>

#include <cstdint>

#if FISSILE_X86_TARGETS
#include <immintrin.h>
#endif

namespace fissile::limits {

/// Keeps the compiler from leaving the work out.
inline volatile float peak_sink = 0;

/// A chain of fused products must be as long as the latency times the units: 12 fill every x86 core so far, and the
/// 16 registers of AVX2 hold them.
inline constexpr int peak_chains = 12;

/// A burst: runs `steps` steps of all chains and returns its floating point operations.
using peak_burst = double (*)(std::int64_t steps);

/// Products and sums apart, of four lanes: what plain x86-64 has.
inline double base_burst(std::int64_t steps) {
  typedef float lanes_type __attribute__((vector_size(16)));
  constexpr int lanes = 4;
  lanes_type sums[peak_chains] = {}, factor = {0.5f, 0.5f, 0.5f, 0.5f}, term = {1, 1, 1, 1};
  for (std::int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int chain = 0; chain < peak_chains; ++chain) sums[chain] = sums[chain] * factor + term;
  }
  for (int chain = 1; chain < peak_chains; ++chain) sums[0] += sums[chain];
  peak_sink = sums[0][0];
  return 2.0 * lanes * peak_chains * static_cast<double>(steps);
}

#if FISSILE_X86_TARGETS
__attribute__((target("avx2,fma"))) inline double avx2_burst(std::int64_t steps) {
  __m256 sums[peak_chains], factor = _mm256_set1_ps(1.25f);
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  for (std::int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int chain = 0; chain < peak_chains; ++chain) sums[chain] = _mm256_fmadd_ps(factor, factor, sums[chain]);
  }
  for (int chain = 1; chain < peak_chains; ++chain) sums[0] = _mm256_add_ps(sums[0], sums[chain]);
  peak_sink = _mm256_cvtss_f32(sums[0]);
  return 2.0 * 8 * peak_chains * static_cast<double>(steps);
}

__attribute__((target("avx512f"))) inline double avx512_burst(std::int64_t steps) {
  __m512 sums[peak_chains], factor = _mm512_set1_ps(1.25f);
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  for (std::int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int chain = 0; chain < peak_chains; ++chain) sums[chain] = _mm512_fmadd_ps(factor, factor, sums[chain]);
  }
  for (int chain = 1; chain < peak_chains; ++chain) sums[0] = _mm512_add_ps(sums[0], sums[chain]);
  peak_sink = _mm512_cvtss_f32(sums[0]);
  return 2.0 * 16 * peak_chains * static_cast<double>(steps);
}

/// Two products of bf16 for each lane.
__attribute__((target("avx512f,avx512bf16"))) inline double avx512_bf16_burst(std::int64_t steps) {
  __m512 sums[peak_chains];
  const auto factor = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3fa0));  // 1.25
  for (__m512& sum : sums) sum = _mm512_setzero_ps();
  for (std::int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 12
    for (int chain = 0; chain < peak_chains; ++chain) sums[chain] = _mm512_dpbf16_ps(sums[chain], factor, factor);
  }
  for (int chain = 1; chain < peak_chains; ++chain) sums[0] = _mm512_add_ps(sums[0], sums[chain]);
  peak_sink = _mm512_cvtss_f32(sums[0]);
  return 2.0 * 32 * peak_chains * static_cast<double>(steps);
}
#endif

/// The burst of a set; of bf16 products where they are asked for and the set has them.
inline peak_burst burst_for(instruction_set set, bool of_bf16 = false) {
#if FISSILE_X86_TARGETS
  if (set == instruction_set::avx512_bf16 && of_bf16) return avx512_bf16_burst;
  if (set == instruction_set::avx512_bf16 || set == instruction_set::avx512) return avx512_burst;
  if (set == instruction_set::avx2) return avx2_burst;
#endif
  static_cast<void>(set);
  static_cast<void>(of_bf16);
  return base_burst;
}

}  // namespace fissile::limits
