// Vectors of floats as GCC and clang extend the language with them, of any length, whatever the build flags.
//
// Three traps are met here once. A vector that may lie anywhere in memory is a type of its own: a local of that type
// crashes where registers spill. Vectors travel by reference only: by value they would change the calling convention
// with the flags. And no lambda appears in a kernel: it would not inherit the target of the function around it.
#pragma once

#include <cstddef>
#include <cstdint>

#if !defined(__GNUC__)
#error "fissile/pack needs the vector extensions of GCC or clang"
#endif

/// For what must become part of the function around it, and so be compiled for that function's instruction set.
#define FISSILE_INSIDE [[gnu::always_inline]] inline

#define FISSILE_TARGET_AVX2 [[gnu::target("avx2,fma,f16c")]]
#define FISSILE_TARGET_AVX512 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")]]
#define FISSILE_TARGET_AVX512_BF16 [[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c")]]

namespace fissile::kernel {

template <int lanes>
struct vector {
  typedef float floats __attribute__((vector_size(lanes * 4)));
  typedef std::int32_t ints __attribute__((vector_size(lanes * 4)));
  typedef float floats_in_memory __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
  typedef std::int32_t ints_in_memory __attribute__((vector_size(lanes * 4), aligned(1), may_alias));
  typedef std::uint16_t shorts __attribute__((vector_size(lanes * 2)));
  typedef std::uint16_t shorts_in_memory __attribute__((vector_size(lanes * 2), aligned(1), may_alias));
  typedef std::int8_t bytes __attribute__((vector_size(lanes)));
  typedef std::int8_t bytes_in_memory __attribute__((vector_size(lanes), aligned(1), may_alias));
};
template <int lanes>
using floats = typename vector<lanes>::floats;
template <int lanes>
using ints = typename vector<lanes>::ints;

template <int lanes>
FISSILE_INSIDE void load(const float* from, floats<lanes>& to) {
  to = *reinterpret_cast<const typename vector<lanes>::floats_in_memory*>(from);
}
template <int lanes>
FISSILE_INSIDE void store(const floats<lanes>& from, float* to) {
  *reinterpret_cast<typename vector<lanes>::floats_in_memory*>(to) = from;
}
template <int lanes>
FISSILE_INSIDE void load_bits(const std::byte* from, ints<lanes>& to) {
  to = *reinterpret_cast<const typename vector<lanes>::ints_in_memory*>(from);
}

}  // namespace fissile::kernel
