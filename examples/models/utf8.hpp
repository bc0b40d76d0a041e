// One Unicode character as UTF-8.
#pragma once

#include <cstdint>
#include <string>

namespace fissile::examples {

inline void append_utf8(std::string& text, std::uint32_t character) {
  const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
  const auto put_tail = [&](int shift) { put(0x80 | ((character >> shift) & 0x3f)); };
  if (character < 0x80) {
    put(character);
    return;
  }
  if (character < 0x800) {
    put(0xc0 | (character >> 6));
  } else if (character < 0x10000) {
    put(0xe0 | (character >> 12));
    put_tail(6);
  } else {
    put(0xf0 | (character >> 18));
    put_tail(12);
    put_tail(6);
  }
  put_tail(0);
}

}  // namespace fissile::examples
