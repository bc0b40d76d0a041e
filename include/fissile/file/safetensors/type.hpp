// The number types of safetensors: how they are called and how many bytes one number takes.
#pragma once

#include <fissile/base/element.hpp>

#include <array>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <utility>

namespace fissile {

/// Bytes of one number of the type a file calls by this name; 0 for a type that is not known here: its tensors are
/// listed and can be passed through, but their size cannot be checked.
constexpr std::uint64_t safetensors_size(std::string_view type) noexcept {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 16> known{{{"F64", 8},
                                                                              {"F32", 4},
                                                                              {"F16", 2},
                                                                              {"BF16", 2},
                                                                              {"F8_E4M3", 1},
                                                                              {"F8_E5M2", 1},
                                                                              {"F8_E8M0", 1},
                                                                              {"C64", 8},
                                                                              {"I64", 8},
                                                                              {"I32", 4},
                                                                              {"I16", 2},
                                                                              {"I8", 1},
                                                                              {"U64", 8},
                                                                              {"U32", 4},
                                                                              {"U16", 2},
                                                                              {"U8", 1}}};
  for (const auto& [name, bytes] : known) {
    if (name == type) return bytes;
  }
  return type == "BOOL" ? 1 : 0;
}

/// safetensors_element: a number type that a tensor can be borrowed as, without widening.
/// Law: its bytes are the file's bytes.
/// Satisfied by float, bf16, f16 and std::int8_t.
template <class T>
concept safetensors_element =
    std::same_as<T, float> || std::same_as<T, bf16> || std::same_as<T, f16> || std::same_as<T, std::int8_t>;

template <safetensors_element T>
constexpr std::string_view safetensors_name() noexcept {
  if constexpr (std::same_as<T, float>) return "F32";
  if constexpr (std::same_as<T, bf16>) return "BF16";
  if constexpr (std::same_as<T, f16>) return "F16";
  return "I8";
}

}  // namespace fissile
