// The number types of GGUF tensors: how they are called and how many bytes a row takes.
//
// Only F32, F16, BF16 and Q8_0 are ever widened here. The others are known by size, so that a file which holds them
// can be listed, checked and passed through. Sizes as in ggml's block structures.
#pragma once

#include <fissile/base/element.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace fissile {

/// As stored; any number may come out of a file, so a value need not be one of these.
enum class gguf_type : std::uint32_t {
  f32 = 0,
  f16 = 1,
  q8_0 = 8,
  bf16 = 30,
};

/// `block` numbers of one row take `bytes` bytes; a block of 0 marks a type whose size is not known here.
struct gguf_type_layout {
  std::string_view name;
  std::uint64_t block = 0;
  std::uint64_t bytes = 0;
};

constexpr gguf_type_layout layout_of(gguf_type type) noexcept {
  switch (static_cast<std::uint32_t>(type)) {
    case 0:
      return {"F32", 1, 4};
    case 1:
      return {"F16", 1, 2};
    case 2:
      return {"Q4_0", 32, 18};
    case 3:
      return {"Q4_1", 32, 20};
    case 6:
      return {"Q5_0", 32, 22};
    case 7:
      return {"Q5_1", 32, 24};
    case 8:
      return {"Q8_0", 32, 34};
    case 9:
      return {"Q8_1", 32, 36};
    case 10:
      return {"Q2_K", 256, 84};
    case 11:
      return {"Q3_K", 256, 110};
    case 12:
      return {"Q4_K", 256, 144};
    case 13:
      return {"Q5_K", 256, 176};
    case 14:
      return {"Q6_K", 256, 210};
    case 15:
      return {"Q8_K", 256, 292};
    case 16:
      return {"IQ2_XXS", 256, 66};
    case 17:
      return {"IQ2_XS", 256, 74};
    case 18:
      return {"IQ3_XXS", 256, 98};
    case 19:
      return {"IQ1_S", 256, 50};
    case 20:
      return {"IQ4_NL", 32, 18};
    case 21:
      return {"IQ3_S", 256, 110};
    case 22:
      return {"IQ2_S", 256, 82};
    case 23:
      return {"IQ4_XS", 256, 136};
    case 24:
      return {"I8", 1, 1};
    case 25:
      return {"I16", 1, 2};
    case 26:
      return {"I32", 1, 4};
    case 27:
      return {"I64", 1, 8};
    case 28:
      return {"F64", 1, 8};
    case 29:
      return {"IQ1_M", 256, 56};
    case 30:
      return {"BF16", 1, 2};
    case 34:
      return {"TQ1_0", 256, 54};
    case 35:
      return {"TQ2_0", 256, 66};
    case 39:
      return {"MXFP4", 32, 17};
    case 40:
      return {"NVFP4", 64, 36};
    case 41:
      return {"Q1_0", 128, 18};
    default:
      return {};
  }
}

inline std::string to_string(gguf_type type) {
  const gguf_type_layout layout = layout_of(type);
  if (layout.block != 0) return std::string{layout.name};
  return "unknown type " + std::to_string(static_cast<std::uint32_t>(type));
}

/// gguf_element: a number type that a GGUF tensor can be borrowed as, without widening.
/// Law: its bytes are the file's bytes.
/// Satisfied by float, bf16 and f16.
template <class T>
concept gguf_element = std::same_as<T, float> || std::same_as<T, bf16> || std::same_as<T, f16>;

template <gguf_element T>
constexpr gguf_type type_of() noexcept {
  if constexpr (std::same_as<T, float>) return gguf_type::f32;
  if constexpr (std::same_as<T, bf16>) return gguf_type::bf16;
  return gguf_type::f16;
}

}  // namespace fissile
