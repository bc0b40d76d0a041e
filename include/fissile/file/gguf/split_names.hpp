// How the parts of a split GGUF file are called: NAME-00001-of-00003.gguf, as llama.cpp calls them.
#pragma once

#include <fissile/file/five_digits.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace fissile {

inline constexpr std::size_t most_gguf_parts = 65535;  // counts are written in 16 bits

namespace gguf_detail {

inline constexpr std::string_view extension = ".gguf";

}  // namespace gguf_detail

/// The path of part `part`, from 0, of a file that would be `whole` in one piece.
inline std::string gguf_part_path(std::string_view whole, std::size_t part, std::size_t parts) {
  if (whole.ends_with(gguf_detail::extension)) whole.remove_suffix(gguf_detail::extension.size());
  return std::string{whole} + "-" + five_digits(part + 1) + "-of-" + five_digits(parts) +
         std::string{gguf_detail::extension};
}

/// The path that the parts would have in one piece, from that of part `part` of `parts`; nothing where it is called
/// otherwise.
inline std::optional<std::string> gguf_whole_path(std::string_view path, std::size_t part, std::size_t parts) {
  const std::string end = gguf_part_path("", part, parts);
  if (!path.ends_with(end)) return std::nullopt;
  return std::string{path.substr(0, path.size() - end.size())} + std::string{gguf_detail::extension};
}

}  // namespace fissile
