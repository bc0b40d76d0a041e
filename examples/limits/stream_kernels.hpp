// A plain read of memory, as fast as the processor can: the limit of work that reads each weight once. Front to back,
// or from several places side by side, which keeps more of the memory busy on some machines.
#pragma once

#include <fissile/pack/instruction_set.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fissile::limits {

/// Reads `bytes`, a multiple of 512, and asks for memory `ahead` bytes further; 0: leaves that to the hardware.
using stream_function = std::uint64_t (*)(const std::byte* from, std::size_t bytes, std::size_t ahead);

struct stream_kernel {
  std::string name;
  stream_function read;
  std::size_t ahead;
};

/// Adds what lies in 512 bytes to eight sums, and asks for memory further on.
template <class Vector, std::size_t count>
[[gnu::always_inline]] inline void read_512(const std::byte* from, std::size_t ahead, Vector (&sums)[count]) {
  if (ahead != 0) {
#pragma GCC unroll 8
    for (std::size_t line = 0; line < 512; line += 64) __builtin_prefetch(from + ahead + line);
  }
  const auto* vectors = reinterpret_cast<const Vector*>(from);
#pragma GCC unroll 32
  for (std::size_t i = 0; i < 512 / sizeof(Vector); ++i) sums[i % count] ^= vectors[i];
}

/// Reads `streams` equal parts side by side.
template <class Vector, std::size_t streams>
[[gnu::always_inline]] inline std::uint64_t read_all(const std::byte* from, std::size_t bytes, std::size_t ahead) {
  Vector sums[8] = {};
  const std::size_t part = bytes / streams / 512 * 512;
  for (std::size_t at = 0; at < part; at += 512) {
#pragma GCC unroll 8
    for (std::size_t stream = 0; stream < streams; ++stream) read_512(from + stream * part + at, ahead, sums);
  }
  for (std::size_t at = streams * part; at < bytes; at += 512) read_512(from + at, ahead, sums);
  for (int i = 1; i < 8; ++i) sums[0] ^= sums[i];
  return sums[0][0] ^ sums[0][1];
}

template <std::size_t size>
struct whole_numbers {
  typedef std::uint64_t vector __attribute__((vector_size(size), may_alias));
};

template <std::size_t streams>
std::uint64_t base_stream(const std::byte* from, std::size_t bytes, std::size_t ahead) {
  return read_all<whole_numbers<16>::vector, streams>(from, bytes, ahead);
}
#if FISSILE_X86_TARGETS
template <std::size_t streams>
[[gnu::target("avx2")]] std::uint64_t avx2_stream(const std::byte* from, std::size_t bytes, std::size_t ahead) {
  return read_all<whole_numbers<32>::vector, streams>(from, bytes, ahead);
}
template <std::size_t streams>
[[gnu::target("avx512f")]] std::uint64_t avx512_stream(const std::byte* from, std::size_t bytes, std::size_t ahead) {
  return read_all<whole_numbers<64>::vector, streams>(from, bytes, ahead);
}
#endif

/// Every reader this processor can run, each without and with fetching ahead. Which is best is measured, since it
/// differs from machine to machine.
inline std::vector<stream_kernel> stream_kernels() {
  std::vector<stream_kernel> kernels;
  const auto add = [&](const std::string& name, stream_function read) {
    for (const std::size_t ahead : {0u, 512u, 1024u, 4096u}) {
      kernels.push_back({ahead == 0 ? name : name + ", fetching " + std::to_string(ahead) + " ahead", read, ahead});
    }
  };
  const auto add_all = [&](const std::string& name, stream_function one, stream_function four, stream_function eight) {
    add(name, one);
    add(name + ", 4 streams", four);
    add(name + ", 8 streams", eight);
  };
  add_all("base", base_stream<1>, base_stream<4>, base_stream<8>);
#if FISSILE_X86_TARGETS
  if (available(instruction_set::avx2)) add_all("avx2", avx2_stream<1>, avx2_stream<4>, avx2_stream<8>);
  if (available(instruction_set::avx512)) add_all("avx512", avx512_stream<1>, avx512_stream<4>, avx512_stream<8>);
#endif
  return kernels;
}

}  // namespace fissile::limits
