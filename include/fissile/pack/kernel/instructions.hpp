// The few instructions that a compiler would not choose by itself, or not surely: each is asked for by name.
//
// The templates become part of functions of any instruction set, where intrinsics would be refused: they belong to a
// set and a template does not. g++ takes the instruction written out; clang makes it of the plain expression. Each has
// a portable twin, in `portable`, for sets without it and for tests.
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/base/multiply_add.hpp>
#include <fissile/pack/instruction_set.hpp>
#include <fissile/pack/kernel/vectors.hpp>

#include <cmath>

namespace fissile::kernel {

namespace portable {

/// sum = a * b + sum, rounded once.
template <int lanes>
FISSILE_INSIDE void multiply_add_fused(const floats<lanes>& a, const floats<lanes>& b, floats<lanes>& sum) {
  for (int lane = 0; lane < lanes; ++lane) sum[lane] = std::fma(a[lane], b[lane], sum[lane]);
}

/// Exact: every binary16 number is a float.
template <int lanes>
FISSILE_INSIDE void widen_f16(const std::byte* from, floats<lanes>& to) {
  typename vector<lanes>::shorts half = *reinterpret_cast<const typename vector<lanes>::shorts_in_memory*>(from);
  const ints<lanes> bits = __builtin_convertvector(half, ints<lanes>);
  const ints<lanes> sign = (bits & 0x8000) << 16;
  // Exponents 1 to 30, and subnormal numbers, by one exact product with a power of two; 31 is infinite or no number.
  floats<lanes> magnitude = reinterpret_cast<floats<lanes>>((bits & 0x7fff) << 13);
  magnitude *= 0x1p112f;
  const ints<lanes> endless = ((bits & 0x7c00) == 0x7c00) & 0x7f800000;
  to = reinterpret_cast<floats<lanes>>(reinterpret_cast<ints<lanes>>(magnitude) | endless | sign);
}

/// sum += w[2i] * x[2i] + w[2i + 1] * x[2i + 1] of pairs of bf16, the upper product first, as vdpbf16ps does it. Each
/// product of two bf16 is a float without rounding.
template <int lanes>
FISSILE_INSIDE void dot_bf16(const ints<lanes>& weights, const ints<lanes>& inputs, floats<lanes>& sum) {
  constexpr std::int32_t upper = static_cast<std::int32_t>(0xffff0000u);
  sum += reinterpret_cast<floats<lanes>>(weights & upper) * reinterpret_cast<floats<lanes>>(inputs & upper);
  sum += reinterpret_cast<floats<lanes>>(weights << 16) * reinterpret_cast<floats<lanes>>(inputs << 16);
}

}  // namespace portable

/// sum = a * b + sum: rounded once where the instruction set has that, twice where it has not; never the compiler's
/// choice.
template <int lanes, bool fused>
FISSILE_INSIDE void multiply_add(const floats<lanes>& a, const floats<lanes>& b, floats<lanes>& sum) {
#if defined(__clang__)
  if constexpr (fused) {
#pragma clang fp contract(on)
    sum = a * b + sum;
  } else {
#pragma clang fp contract(off)
    sum = a * b + sum;
  }
#elif FISSILE_X86_TARGETS
  if constexpr (fused) {
    asm("vfmadd231ps %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  } else {
    sum += a * b;  // nothing to contract into: only sets without a fused operation come here
  }
#else
  if constexpr (fused) {
    portable::multiply_add_fused<lanes>(a, b, sum);
  } else {
    sum += a * b;
  }
#endif
}

/// Every lane becomes *from, read by a broadcasting load. Adding it to zero would cost an addition and lose the sign of
/// -0; taking zero from it costs nothing in clang and is taken apart, lane by lane, by g++ 12.
template <int lanes>
FISSILE_INSIDE void spread(const float* from, floats<lanes>& to) {
#if FISSILE_X86_TARGETS && !defined(__clang__)
  if constexpr (lanes >= 8) {
    asm("vbroadcastss %1, %0" : "=v"(to) : "m"(*from));
    return;
  }
#endif
  if constexpr (lanes == 4) {
    to = floats<4>{*from, *from, *from, *from};
  } else {
    to = *from - floats<lanes>{};
  }
}

/// Binary16 numbers as floats.
template <int lanes>
FISSILE_INSIDE void widen_f16(const std::byte* from, floats<lanes>& to) {
#if FISSILE_X86_TARGETS
  if constexpr (lanes >= 8) {
#if !defined(__clang__)
    const auto* halves = reinterpret_cast<const typename vector<lanes>::shorts_in_memory*>(from);
    asm("vcvtph2ps %1, %0" : "=v"(to) : "m"(*halves));
    return;
#elif defined(__OPTIMIZE__)  // else clang may keep this function for itself, with a call that libgcc does not answer
    typedef __fp16 halves_in_memory __attribute__((vector_size(lanes * 2), aligned(1), may_alias));
    to = __builtin_convertvector(*reinterpret_cast<const halves_in_memory*>(from), floats<lanes>);
    return;
#endif
  }
#endif
  portable::widen_f16<lanes>(from, to);
}

/// 8-bit whole numbers as floats.
template <int lanes>
FISSILE_INSIDE void widen_int8(const std::byte* from, floats<lanes>& to) {
#if FISSILE_X86_TARGETS && !defined(__clang__)
  if constexpr (lanes >= 8) {  // g++ 12 would convert one number at a time
    const auto* whole = reinterpret_cast<const typename vector<lanes>::bytes_in_memory*>(from);
    ints<lanes> wide;
    asm("vpmovsxbd %1, %0" : "=v"(wide) : "m"(*whole));
    to = __builtin_convertvector(wide, floats<lanes>);
    return;
  }
#endif
  const typename vector<lanes>::bytes whole = *reinterpret_cast<const typename vector<lanes>::bytes_in_memory*>(from);
  to = __builtin_convertvector(whole, floats<lanes>);
}

}  // namespace fissile::kernel
