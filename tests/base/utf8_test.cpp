// What is a character of UTF-8 and what is not, against Unicode's own table of well-formed bytes.
#include <fissile/base/utf8.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace fissile {
namespace utf8_tests {

std::string encoded(char32_t c) {
  const auto tail = [c](int shift) { return static_cast<char>(0x80u | ((c >> shift) & 0x3fu)); };
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0u | (c >> 6)), tail(0)};
  if (c < 0x10000) return {static_cast<char>(0xe0u | (c >> 12)), tail(6), tail(0)};
  return {static_cast<char>(0xf0u | (c >> 18)), tail(12), tail(6), tail(0)};
}

/// Table 3-7 of the Unicode Standard, row by row.
std::size_t bytes_by_table(const std::string& text) {
  const auto in = [&](std::size_t i, unsigned low, unsigned high) {
    const unsigned byte = i < text.size() ? static_cast<unsigned char>(text[i]) : 0x100u;
    return byte >= low && byte <= high;
  };
  const auto tails = [&](std::size_t from, std::size_t to) {
    while (from < to && in(from, 0x80, 0xbf)) ++from;
    return from == to;
  };
  if (in(0, 0x00, 0x7f)) return 1;
  if (in(0, 0xc2, 0xdf) && tails(1, 2)) return 2;
  if (in(0, 0xe0, 0xe0) && in(1, 0xa0, 0xbf) && tails(2, 3)) return 3;
  if ((in(0, 0xe1, 0xec) || in(0, 0xee, 0xef)) && tails(1, 3)) return 3;
  if (in(0, 0xed, 0xed) && in(1, 0x80, 0x9f) && tails(2, 3)) return 3;
  if (in(0, 0xf0, 0xf0) && in(1, 0x90, 0xbf) && tails(2, 4)) return 4;
  if (in(0, 0xf1, 0xf3) && tails(1, 4)) return 4;
  if (in(0, 0xf4, 0xf4) && in(1, 0x80, 0x8f) && tails(2, 4)) return 4;
  return 0;
}

TEST(utf8, every_code_point_is_read_back) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    const std::string text = encoded(c);
    const utf8_character read = character_at(text, 0);
    const bool surrogate = c >= 0xd800 && c < 0xe000;
    ASSERT_EQ(read.bytes, surrogate ? 0 : text.size()) << static_cast<std::uint32_t>(c);
    ASSERT_EQ(read.value, surrogate ? 0 : c);
    ASSERT_EQ(character_at(text.substr(0, text.size() - 1), 0).bytes, 0u);
  }
}

TEST(utf8, all_pairs_of_first_bytes_follow_the_table) {
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      for (const char* rest : {"", "\x80", "\xbf\x80", "\x80\x7f", "a"}) {
        const std::string text = std::string{static_cast<char>(first), static_cast<char>(second)} + rest;
        ASSERT_EQ(character_at(text, 0).bytes, bytes_by_table(text)) << first << ' ' << second;
      }
    }
  }
}

TEST(utf8, nothing_is_read_behind_the_end) {
  EXPECT_EQ(character_at("", 0).bytes, 0u);
  EXPECT_EQ(character_at("ab", 1).bytes, 1u);
  EXPECT_EQ(character_at("ab", 2).bytes, 0u);
}

TEST(utf8, white_characters_and_ideographs) {
  int white = 0;
  for (char32_t c = 0; c < 0x110000; ++c) {
    white += is_white(c) ? 1 : 0;
    ASSERT_TRUE(is_white(c) || !ends_line(c));
    ASSERT_FALSE(is_white(c) && is_ideograph(c));
  }
  EXPECT_EQ(white, 25);  // as many as Unicode has
  EXPECT_FALSE(ends_line(U' '));
  EXPECT_TRUE(is_ideograph(U'\u4e2d') && is_ideograph(U'\u3042') && is_ideograph(U'\u30ab'));
  EXPECT_FALSE(is_ideograph(U'a') || is_ideograph(U'\uac00') || is_ideograph(U'\u0e01') || is_ideograph(U'\u3002'));
}

}  // namespace utf8_tests
}  // namespace fissile
