// One product added to one sum, always rounded in the same way.
//
// Compilers may or may not contract a * b + c, which changes bits from one call site to the next. Where the
// instruction set being compiled for has a fused operation it is asked for by name; where it has not, there is nothing
// to contract into. (That is told from macros of x86 and ARM; elsewhere add -ffp-contract=off.)
//
// Files of one program may be compiled for different instruction sets. What depends on the flags here therefore stands
// in a namespace named after them, and the loops that use it take `arithmetic` as an argument: two such files have two
// loops, not two bodies of one. Of what calls the loops the linker keeps the first file's body, as of every inline
// function: results are then rounded as that file rounds, and it must run on the oldest processor (docs/layouts.md).
#pragma once

#include <cmath>
#include <concepts>

// AVX-512 has fused operations of its own: g++ -mavx512f contracts, though it does not define __FMA__.
#if defined(__FMA__) || defined(__AVX512F__) || defined(__ARM_FEATURE_FMA)
#define FISSILE_FUSED 1
#else
#define FISSILE_FUSED 0
#endif

namespace fissile {

#if FISSILE_FUSED

inline namespace rounds_once {

/// Which rounding this file is compiled with.
struct arithmetic {
  static constexpr bool fused = true;
};

template <std::floating_point A>
inline A multiply_add(A a, A b, A c) noexcept {
  return std::fma(a, b, c);
}
/// Numbers that lie side by side and are computed together; here compilers form vectors of std::fma by themselves.
using number_group = float;

}  // namespace rounds_once

#else

inline namespace rounds_twice {

struct arithmetic {
  static constexpr bool fused = false;
};

template <std::floating_point A>
inline A multiply_add(A a, A b, A c) noexcept {
  return a * b + c;
}
#if defined(__GNUC__)
typedef float number_group __attribute__((vector_size(16)));
inline void multiply_add(float a, const number_group& b, number_group& c) noexcept {
  c = a * b + c;
}
#else
using number_group = float;
#endif

}  // namespace rounds_twice

#endif

}  // namespace fissile
