// A plain read of memory, front to back, as fast as the processor can: the limit of work that reads each weight once.
#pragma once

#include <fissile/pack/instruction_set.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#if FISSILE_X86_TARGETS
#include <immintrin.h>
#endif

namespace fissile::bench {

/// Reads `bytes`, a multiple of 512, and asks for memory `ahead` bytes further; 0: leaves that to the hardware.
using stream_function = std::uint64_t (*)(const std::byte* from, std::size_t bytes, std::size_t ahead);

struct stream_kernel {
  std::string name;
  stream_function read;
  std::size_t ahead;
};

inline std::uint64_t base_stream(const std::byte* from, std::size_t bytes, std::size_t ahead) {
  typedef std::uint64_t lanes_type __attribute__((vector_size(16), may_alias));
  lanes_type sums[8] = {};
  for (std::size_t at = 0; at < bytes; at += 512) {
    const auto* lines = reinterpret_cast<const lanes_type*>(from + at);
    if (ahead != 0) {
      for (std::size_t line = 0; line < 512; line += 64) __builtin_prefetch(from + at + ahead + line);
    }
#pragma GCC unroll 32
    for (int i = 0; i < 32; ++i) sums[i % 8] ^= lines[i];
  }
  for (int i = 1; i < 8; ++i) sums[0] ^= sums[i];
  return sums[0][0] ^ sums[0][1];
}

#if FISSILE_X86_TARGETS
__attribute__((target("avx2"))) inline std::uint64_t avx2_stream(const std::byte* from, std::size_t bytes,
                                                                 std::size_t ahead) {
  __m256i sums[8];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (std::size_t at = 0; at < bytes; at += 512) {
    const auto* lines = reinterpret_cast<const __m256i*>(from + at);
    if (ahead != 0) {
#pragma GCC unroll 8
      for (std::size_t line = 0; line < 512; line += 64) __builtin_prefetch(from + at + ahead + line);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) sums[i % 8] = _mm256_xor_si256(sums[i % 8], _mm256_load_si256(lines + i));
  }
  for (int i = 1; i < 8; ++i) sums[0] = _mm256_xor_si256(sums[0], sums[i]);
  return static_cast<std::uint64_t>(_mm256_extract_epi64(sums[0], 0));
}

__attribute__((target("avx512f"))) inline std::uint64_t avx512_stream(const std::byte* from, std::size_t bytes,
                                                                      std::size_t ahead) {
  __m512i sums[8];
  for (__m512i& sum : sums) sum = _mm512_setzero_si512();
  for (std::size_t at = 0; at < bytes; at += 512) {
    if (ahead != 0) {
#pragma GCC unroll 8
      for (std::size_t line = 0; line < 512; line += 64) __builtin_prefetch(from + at + ahead + line);
    }
    const auto* lines = reinterpret_cast<const __m512i*>(from + at);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) sums[i] = _mm512_xor_si512(sums[i], _mm512_load_si512(lines + i));
  }
  for (int i = 1; i < 8; ++i) sums[0] = _mm512_xor_si512(sums[0], sums[i]);
  alignas(64) std::uint64_t all[8];
  _mm512_store_si512(all, sums[0]);
  return all[0] ^ all[7];
}
#endif

/// Every reader this processor can run, each without and with fetching ahead. Which is best is measured, since it
/// differs from machine to machine.
inline std::vector<stream_kernel> stream_kernels() {
  std::vector<stream_kernel> kernels;
  const auto add = [&](const std::string& name, stream_function read) {
    for (const std::size_t ahead : {0u, 1024u, 2048u, 4096u, 8192u}) {
      kernels.push_back({ahead == 0 ? name : name + ", fetching " + std::to_string(ahead) + " ahead", read, ahead});
    }
  };
  add("base", base_stream);
#if FISSILE_X86_TARGETS
  if (available(instruction_set::avx2)) add("avx2", avx2_stream);
  if (available(instruction_set::avx512)) add("avx512", avx512_stream);
#endif
  return kernels;
}

}  // namespace fissile::bench
