// One product added to one sum, always rounded in the same way.
//
// Compilers may or may not contract a * b + c, which changes bits from one call site to the next. Where the
// instruction set being compiled for has a fused operation it is asked for by name; where it has not, there is nothing
// to contract into.
#pragma once

#include <cmath>
#include <concepts>

namespace fissile {

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)

template <std::floating_point A>
inline A multiply_add(A a, A b, A c) noexcept {
  return std::fma(a, b, c);
}
/// Numbers that lie side by side and are computed together; here compilers form vectors of std::fma by themselves.
using number_group = float;

#else

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

#endif

}  // namespace fissile
