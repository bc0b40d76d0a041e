// Instructions asked for by name give what their portable twins give, for every number of 8 and of 16 bits.
#include <fissile/pack/kernel/isa.hpp>

#include "pack/machine.hpp"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace fissile::kernel {
namespace {

using one_step = void (*)(const std::byte* from, float* to);  // `lanes` numbers

template <int lanes>
void twin_of_f16(const std::byte* from, float* to) {
  floats<lanes> wide;
  portable::widen_f16<lanes>(from, wide);
  store<lanes>(wide, to);
}
template <int lanes, class Wide = floats<lanes>>
FISSILE_INSIDE void f16_step(const std::byte* from, float* to) {
  Wide wide;
  widen_f16<lanes>(from, wide);
  store<lanes>(wide, to);
}
template <int lanes, class Wide = floats<lanes>>
FISSILE_INSIDE void int8_step(const std::byte* from, float* to) {
  Wide wide;
  widen_int8<lanes>(from, wide);
  store<lanes>(wide, to);
}
void f16_base(const std::byte* from, float* to) {
  f16_step<4>(from, to);
}
void int8_base(const std::byte* from, float* to) {
  int8_step<4>(from, to);
}
#if FISSILE_X86_TARGETS
FISSILE_TARGET_AVX2 void f16_avx2(const std::byte* from, float* to) {
  f16_step<8>(from, to);
}
FISSILE_TARGET_AVX2 void int8_avx2(const std::byte* from, float* to) {
  int8_step<8>(from, to);
}
FISSILE_TARGET_AVX512 void f16_avx512(const std::byte* from, float* to) {
  f16_step<16>(from, to);
}
FISSILE_TARGET_AVX512 void int8_avx512(const std::byte* from, float* to) {
  int8_step<16>(from, to);
}
#endif

/// What `step` makes of `numbers`, `lanes` at a time, from memory on odd addresses.
template <class T>
std::vector<std::uint32_t> widened(const std::vector<T>& numbers, int lanes, one_step step) {
  const auto* bytes = reinterpret_cast<const std::byte*>(numbers.data());
  std::vector<std::byte> memory(1);
  memory.insert(memory.end(), bytes, bytes + numbers.size() * sizeof(T));
  std::vector<float> wide(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); i += static_cast<std::size_t>(lanes)) {
    step(memory.data() + 1 + i * sizeof(T), wide.data() + i);
  }
  std::vector<std::uint32_t> bits;
  for (float number : wide) bits.push_back(std::bit_cast<std::uint32_t>(number));
  return bits;
}

/// Hardware makes signalling NaNs quiet as it converts, the twin does not; either is NaN with the same payload.
std::uint32_t quiet(std::uint32_t bits) {
  return (bits & 0x7fffffffu) > 0x7f800000u ? bits | 0x400000u : bits;
}

void expect_all_f16(int lanes, one_step step, const char* name) {
  std::vector<f16> patterns;
  for (int bits = 0; bits < 65536; ++bits) patterns.push_back({static_cast<std::uint16_t>(bits)});
  const auto wide = widened(patterns, lanes, step);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    ASSERT_EQ(quiet(wide[i]), quiet(std::bit_cast<std::uint32_t>(to_float(patterns[i])))) << name << ", pattern " << i;
  }
}

TEST(widen_f16, is_exact_for_all_65536_patterns) {
  expect_all_f16(4, twin_of_f16<4>, "twin of 4");
  expect_all_f16(8, twin_of_f16<8>, "twin of 8");
  expect_all_f16(16, twin_of_f16<16>, "twin of 16");
  expect_all_f16(4, f16_base, "base");
#if FISSILE_X86_TARGETS
  if (available(instruction_set::avx2)) expect_all_f16(8, f16_avx2, "avx2");
  if (available(instruction_set::avx512)) expect_all_f16(16, f16_avx512, "avx512");
#endif
}

void expect_all_int8(int lanes, one_step step, const char* name) {
  std::vector<std::int8_t> patterns;
  for (int number = -128; number < 128; ++number) patterns.push_back(static_cast<std::int8_t>(number));
  const auto wide = widened(patterns, lanes, step);
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    ASSERT_EQ(std::bit_cast<float>(wide[i]), static_cast<float>(patterns[i])) << name;
  }
}

TEST(widen_int8, is_exact_for_all_256_patterns) {
  expect_all_int8(4, int8_base, "base");
#if FISSILE_X86_TARGETS
  if (available(instruction_set::avx2)) expect_all_int8(8, int8_avx2, "avx2");
  if (available(instruction_set::avx512)) expect_all_int8(16, int8_avx512, "avx512");
#endif
}

using add_step = void (*)(const float* a, const float* b, float* sum);

template <int lanes, bool fused, class Wide = floats<lanes>>
FISSILE_INSIDE void add(const float* from_a, const float* from_b, float* sum) {
  Wide a, b, c;
  load<lanes>(from_a, a);
  load<lanes>(from_b, b);
  load<lanes>(sum, c);
  multiply_add<lanes, fused>(a, b, c);
  store<lanes>(c, sum);
}
void add_base(const float* a, const float* b, float* sum) {
  add<4, arithmetic::fused>(a, b, sum);
}
#if FISSILE_X86_TARGETS
FISSILE_TARGET_AVX2 void add_avx2(const float* a, const float* b, float* sum) {
  add<8, true>(a, b, sum);
}
FISSILE_TARGET_AVX512 void add_avx512(const float* a, const float* b, float* sum) {
  add<16, true>(a, b, sum);
}
#endif

/// (1 + j 2^-12)^2 - (1 + j 2^-11) = j^2 2^-24, which a rounded product loses or doubles for odd j.
void expect_rounding(int lanes, bool fused, add_step step, const char* name) {
  std::array<float, 16> a{}, sum{};
  for (std::size_t j = 0; j < a.size(); ++j) {
    a[j] = 1 + 0x1p-12f * static_cast<float>(2 * j + 1);
    sum[j] = -(1 + 0x1p-11f * static_cast<float>(2 * j + 1));
  }
  std::array<float, 16> expected = sum;
  for (std::size_t j = 0; j < a.size(); ++j) {
    const volatile float product = a[j] * a[j];
    expected[j] = fused ? std::fma(a[j], a[j], sum[j]) : product + sum[j];
  }
  ASSERT_NE(std::fma(a[0], a[0], sum[0]), 0.0f);
  for (std::size_t j = 0; j < a.size(); j += static_cast<std::size_t>(lanes)) step(&a[j], &a[j], &sum[j]);
  EXPECT_EQ(sum, expected) << name;
}

TEST(multiply_add, rounds_as_often_as_the_instruction_set_says) {
  expect_rounding(4, arithmetic::fused, add_base, "base");
#if FISSILE_X86_TARGETS
  if (available(instruction_set::avx2)) expect_rounding(8, true, add_avx2, "avx2");
  if (available(instruction_set::avx512)) expect_rounding(16, true, add_avx512, "avx512");
#endif
}

}  // namespace
}  // namespace fissile::kernel
