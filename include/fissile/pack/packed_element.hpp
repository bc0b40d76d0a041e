// What a panel may hold: float, bf16, f16, or whole numbers of 8 bits with scales.
#pragma once

#include <fissile/base/element.hpp>

#include <concepts>
#include <cstdint>

namespace fissile {

/// A symmetric 8-bit weight, from -127 to 127: it means bits * scale, with a scale that its panel holds. It is no
/// `element`: without the scale it is no number.
struct int8 {
  std::int8_t bits;
};

/// packed_element: a number type that packed experts are stored in. Satisfied by float, bf16, f16, int8.
template <class T>
concept packed_element =
    std::same_as<T, float> || std::same_as<T, bf16> || std::same_as<T, f16> || std::same_as<T, int8>;

}  // namespace fissile
