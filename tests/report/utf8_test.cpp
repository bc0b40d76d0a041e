#include <fissile/report/utf8.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fissile {
namespace {

std::vector<char32_t> characters_of(std::string_view text) {
  std::vector<char32_t> found;
  for (std::size_t position = 0; position < text.size();) found.push_back(next_character(text, position));
  return found;
}

std::string encoded(char32_t c) {
  const auto byte = [](char32_t bits) { return static_cast<char>(bits); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | (c >> 6)), byte(0x80 | (c & 0x3f))};
  if (c < 0x10000) return {byte(0xe0 | (c >> 12)), byte(0x80 | ((c >> 6) & 0x3f)), byte(0x80 | (c & 0x3f))};
  return {byte(0xf0 | (c >> 18)), byte(0x80 | ((c >> 12) & 0x3f)), byte(0x80 | ((c >> 6) & 0x3f)),
          byte(0x80 | (c & 0x3f))};
}

TEST(utf8, every_character_is_read_as_itself) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const std::string text = encoded(c) + "x";
    std::size_t position = 0;
    ASSERT_EQ(next_character(text, position), c);
    ASSERT_EQ(position, text.size() - 1);
  }
}

TEST(utf8, what_is_no_character_is_taken_byte_by_byte) {
  const std::vector<char32_t> one{replacement_character}, two(2, replacement_character),
      three(3, replacement_character), four(4, replacement_character);
  EXPECT_EQ(characters_of("\x80"), one);
  EXPECT_EQ(characters_of("\xc3"), one) << "cut short";
  EXPECT_EQ(characters_of("\xe4\xb8"), two) << "cut short";
  EXPECT_EQ(characters_of("\xc0\xaf"), two) << "longer than needed";
  EXPECT_EQ(characters_of("\xe0\x80\xaf"), three) << "longer than needed";
  EXPECT_EQ(characters_of("\xed\xa0\x80"), three) << "a surrogate";
  EXPECT_EQ(characters_of("\xf4\x90\x80\x80"), four) << "beyond the last";
  EXPECT_EQ(characters_of("\xff"), one);
  EXPECT_EQ(characters_of("\xc3x"), (std::vector<char32_t>{replacement_character, 'x'}));
}

TEST(utf8, columns_of_some_scripts) {
  EXPECT_EQ(columns_of("plain"), 5);
  EXPECT_EQ(columns_of("\u00e9t\u00e9"), 3);
  EXPECT_EQ(columns_of("e\u0301t"), 2) << "a combining accent";
  EXPECT_EQ(columns_of("\u0440\u0443\u0441\u0441\u043a\u0438\u0439"), 7);
  EXPECT_EQ(columns_of("\u4e2d\u6587"), 4);
  EXPECT_EQ(columns_of("\ud55c\uad6d\uc5b4"), 6);
  EXPECT_EQ(columns_of("\uff21"), 2);
  EXPECT_EQ(columns_of(""), 0);
}

}  // namespace
}  // namespace fissile
