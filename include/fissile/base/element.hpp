// Elements: the number types weights are stored in, and how each is widened before it is computed with.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace fissile {

/// The upper half of a float; the same bytes as ggml_bf16_t and Eigen::bfloat16.
struct bf16 {
  std::uint16_t bits;
};
/// IEEE binary16; the same bytes as ggml_fp16_t and Eigen::half.
struct f16 {
  std::uint16_t bits;
};

constexpr float to_float(float value) noexcept {
  return value;
}
constexpr float to_float(bf16 value) noexcept {
  return std::bit_cast<float>(std::uint32_t{value.bits} << 16);
}

/// Exact: every binary16 number is a float. No branch on the exponent but the one for subnormal numbers.
constexpr float to_float(f16 value) noexcept {
  const std::uint32_t sign = std::uint32_t{value.bits & 0x8000u} << 16;
  const std::uint32_t magnitude = value.bits & 0x7fffu;
  if (magnitude >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  if (magnitude >= 0x0400u) return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(subnormal));
}

/// Rounds to nearest, ties to even; NaN stays NaN.
constexpr bf16 to_bf16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
  return {static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

/// Rounds to nearest, ties to even; beyond 65504 it becomes infinite, NaN stays NaN.
constexpr f16 to_f16(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return {static_cast<std::uint16_t>(sign | 0x7e00u)};
  if (magnitude >= 0x477ff000u) return {static_cast<std::uint16_t>(sign | 0x7c00u)};
  if (magnitude < 0x38800000u) {  // subnormal: let the float adder round to a multiple of 2^-24
    const float rounded = std::bit_cast<float>(magnitude) + 0.5f;
    return {static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(rounded) - 0x3f000000u))};
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u) - 0x38000000u;
  return {static_cast<std::uint16_t>(sign | (rounded >> 13))};
}

/// element: a number type that weights are stored in.
/// Law: `to_float(x)` is exact or the type's own documented dequantisation; it never throws.
/// Satisfied by float, bf16, f16, any type of the user's with `float to_float(T) noexcept` found by ADL,
/// and double, which the references and the tests of gradients use. Not by integers: bits of a 16-bit float held in
/// a std::uint16_t would be read as whole numbers.
// clang-format off
template <class T>
concept element = std::same_as<T, float> || std::same_as<T, double> ||
    (std::is_trivially_copyable_v<T> && !std::is_arithmetic_v<T> && !std::is_enum_v<T> && requires(T value) {
      { to_float(value) } noexcept -> std::same_as<float>;
    });
// clang-format on

/// A stored number in the type that is computed with: float in inference, double in references.
template <std::floating_point Accumulator, element T>
constexpr Accumulator widen(T value) noexcept {
  if constexpr (std::same_as<T, double>) {
    return static_cast<Accumulator>(value);
  } else {
    return static_cast<Accumulator>(to_float(value));
  }
}

}  // namespace fissile
