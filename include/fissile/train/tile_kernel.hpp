// One tile of a matrix product, for the instruction set of the machine that runs it.
//
//   rows[r][c] += sum over k of left[k][r] * right[k][c]          r = 0 ... 5, c = 0 ... 2 * lanes - 1
//
// One source, compiled once for each instruction set by target attributes and chosen while running: a build without -m
// flags is as fast as one with them. The sums stay in registers; k ascends, and each tile starts from zero, so that
// within one instruction set the same numbers give the same bits.
#pragma once

#include <fissile/base/index.hpp>
#include <fissile/pack/instruction_set.hpp>
#include <fissile/pack/kernel/vectors.hpp>

#include <concepts>

namespace fissile {

/// Rows of a tile. Twelve sums, two vectors of `right` and one number of `left` fill sixteen registers.
inline constexpr index_t tile_rows = 6;

/// How to compute one tile, and its size.
template <std::floating_point A>
struct tile_kernel {
  /// left: [count x tile_rows], right: [count x 2 * lanes], or [count x lanes] for `narrow`;
  /// rows: where each row of the tile begins. [tile_rows]
  using function = void (*)(const A* left, const A* right, index_t count, A* const* rows) noexcept;
  index_t lanes;
  function wide, narrow;
};

/// A vector for registers, and its twin for memory at any address, of any floating-point number.
template <std::floating_point A, int bytes>
struct packet {
  typedef A held __attribute__((vector_size(bytes)));
  typedef A stored __attribute__((vector_size(bytes), aligned(alignof(A)), may_alias));
};

/// The body of every kernel; no lambdas inside, which would not be compiled for the target.
template <std::floating_point A, int bytes, int wide>
FISSILE_INSIDE void add_to_tile(const A* left, const A* right, index_t count, A* const* rows) noexcept {
  using held = typename packet<A, bytes>::held;
  using stored = typename packet<A, bytes>::stored;
  constexpr index_t across = sizeof(held) / sizeof(A);
  held sum[tile_rows][wide] = {};
  for (index_t k = 0; k < count; ++k, left += tile_rows, right += wide * across) {
    held b[wide];
#pragma GCC unroll 8
    for (int w = 0; w < wide; ++w) b[w] = *reinterpret_cast<const stored*>(right + w * across);
#pragma GCC unroll 8
    for (index_t r = 0; r < tile_rows; ++r) {
      const A a = left[r];
#pragma GCC unroll 8
      for (int w = 0; w < wide; ++w) sum[r][w] += a * b[w];
    }
  }
#pragma GCC unroll 8
  for (index_t r = 0; r < tile_rows; ++r) {
#pragma GCC unroll 8
    for (int w = 0; w < wide; ++w) {
      stored* at = reinterpret_cast<stored*>(rows[r] + w * across);
      *at = *at + sum[r][w];
    }
  }
}

/// By the instruction set that the program is compiled for, which every machine that runs it has.
template <std::floating_point A, int wide>
void add_to_tile_plain(const A* left, const A* right, index_t count, A* const* rows) noexcept {
  add_to_tile<A, 16, wide>(left, right, count, rows);
}

#if FISSILE_X86_TARGETS
template <std::floating_point A, int wide>
FISSILE_TARGET_AVX2 void add_to_tile_avx2(const A* left, const A* right, index_t count, A* const* rows) noexcept {
  add_to_tile<A, 32, wide>(left, right, count, rows);
}
template <std::floating_point A, int wide>
FISSILE_TARGET_AVX512 void add_to_tile_avx512(const A* left, const A* right, index_t count, A* const* rows) noexcept {
  add_to_tile<A, 64, wide>(left, right, count, rows);
}
#endif

/// The kernel for an instruction set that this processor has; the best one where nothing is said.
template <std::floating_point A>
tile_kernel<A> tile_kernel_for(instruction_set set = best_instruction_set()) noexcept {
  constexpr auto size = static_cast<index_t>(sizeof(A));
#if FISSILE_X86_TARGETS
  if (set >= instruction_set::avx512) return {64 / size, add_to_tile_avx512<A, 2>, add_to_tile_avx512<A, 1>};
  if (set == instruction_set::avx2) return {32 / size, add_to_tile_avx2<A, 2>, add_to_tile_avx2<A, 1>};
#endif
  (void)set;
  return {16 / size, add_to_tile_plain<A, 2>, add_to_tile_plain<A, 1>};
}

/// Columns of the widest tile of any kernel.
template <std::floating_point A>
inline constexpr index_t most_tile_columns = 2 * 64 / static_cast<index_t>(sizeof(A));

}  // namespace fissile
