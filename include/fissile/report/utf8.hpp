// UTF-8 as reports need it: characters one by one, and how many columns of a terminal they take.
#pragma once

#include <fissile/base/utf8.hpp>

#include <cstddef>
#include <string_view>

namespace fissile {

inline constexpr char32_t replacement_character = 0xfffd;

/// The character at `position`, which moves behind it. A byte that does not belong to a valid one is taken alone, as
/// U+FFFD.
inline char32_t next_character(std::string_view text, std::size_t& position) noexcept {
  const utf8_character here = character_at(text, position);
  position += here.bytes > 0 ? here.bytes : 1;
  return here.bytes > 0 ? here.value : replacement_character;
}

/// 0 for combining and invisible characters, 2 for the wide ones of East Asia and emoji, else 1. A short list of the
/// blocks in use, not the tables of Unicode.
inline int columns_of(char32_t character) noexcept {
  struct range {
    char32_t first, last;
  };
  constexpr range invisible[] = {{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x064b, 0x065f},
                                 {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e}, {0x200b, 0x200f},
                                 {0x202a, 0x202e}, {0x2060, 0x2064}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f},
                                 {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};
  constexpr range wide[] = {{0x1100, 0x115f},  {0x2e80, 0x303e},   {0x3041, 0xa4cf},   {0xa960, 0xa97f},
                            {0xac00, 0xd7a3},  {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                            {0xffe0, 0xffe6},  {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff},
                            {0x20000, 0x3fffd}};
  if (character < 0x300) return 1;
  for (const range& r : invisible) {
    if (character >= r.first && character <= r.last) return 0;
  }
  for (const range& r : wide) {
    if (character >= r.first && character <= r.last) return 2;
  }
  return 1;
}

/// Columns that the text takes in a terminal.
inline int columns_of(std::string_view text) noexcept {
  int columns = 0;
  for (std::size_t position = 0; position < text.size();) columns += columns_of(next_character(text, position));
  return columns;
}

}  // namespace fissile
