// Stepping through text in UTF-8 that may not all be UTF-8: which bytes are a character, and which characters are
// white.
//
// A character is a code point: a letter and the combining mark on it are two.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace fissile {

/// A code point and how many bytes it takes, 1 to 4; `bytes` is 0 where there is none.
struct utf8_character {
  char32_t value = 0;
  std::size_t bytes = 0;
};

/// The character that begins at `position`; none where the text ends or its bytes there are no valid UTF-8 (which has
/// no surrogates, nothing above U+10FFFF and no encoding longer than needed).
constexpr utf8_character character_at(std::string_view text, std::size_t position) noexcept {
  if (position >= text.size()) return {};
  const auto byte = [&](std::size_t i) noexcept { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(position);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xc2 || lead > 0xf4) return {};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (text.size() - position < bytes) return {};
  char32_t value = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(position + i) & 0xc0u) != 0x80u) return {};
    value = (value << 6) | (byte(position + i) & 0x3fu);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < least[bytes] || value > 0x10ffff || surrogate) return {};
  return {value, bytes};
}

/// Whether all of it is valid UTF-8.
constexpr bool is_utf8(std::string_view text) noexcept {
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t bytes = character_at(text, position).bytes;
    if (bytes == 0) return false;
    position += bytes;
  }
  return true;
}

/// The characters after which Unicode has a new line begin.
constexpr bool ends_line(char32_t c) noexcept {
  return (c >= 0x0a && c <= 0x0d) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/// Unicode's White_Space, line ends included.
constexpr bool is_white(char32_t c) noexcept {
  return ends_line(c) || c == 0x09 || c == 0x20 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x202f || c == 0x205f || c == 0x3000;
}

/// Characters of Chinese and Japanese, which are written without spaces: Han and kana, by blocks.
constexpr bool is_ideograph(char32_t c) noexcept {
  return (c >= 0x3005 && c <= 0x3007) || (c >= 0x3041 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x4dbf) ||
         (c >= 0x4e00 && c <= 0x9fff) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3fffd);
}

}  // namespace fissile
