// Random text of many scripts for property tests, and what of it is white.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/base/utf8.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace fissile::testing {

/// `count` of the parts, drawn one by one.
inline std::string joined_from(random_source& random, const std::vector<std::string>& parts, index_t count) {
  std::string text;
  for (index_t i = 0; i < count; ++i) text += parts[to_size(random.below(length(parts)))];
  return text;
}

/// Characters of 1 to 4 bytes, combining and white ones among them.
inline std::string random_text(random_source& random) {
  return joined_from(
      random, {"a", "b",        "Z",  "é", "ß", "α", "ω", "ж",  "中",   "文", "あ",     "가",     "ก",      "e\u0301",
               "😀", "👍🏽", "𠀀", ".", " ", " ", " ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", "\u0085"},
      random.below(60));
}

inline bool is_valid(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && character_at(text, i).bytes > 0) i += character_at(text, i).bytes;
  return i == text.size();
}

/// The characters of a kind that valid text has.
inline std::vector<std::string> kept(std::string_view text, bool (*keep)(char32_t)) {
  std::vector<std::string> found;
  for (std::size_t i = 0; i < text.size(); i += character_at(text, i).bytes) {
    const utf8_character here = character_at(text, i);
    if (keep(here.value)) found.emplace_back(text.substr(i, here.bytes));
  }
  return found;
}
inline std::vector<std::string> whites(std::string_view text) {
  return kept(text, [](char32_t c) { return is_white(c); });
}
inline std::vector<std::string> blacks(std::string_view text) {
  return kept(text, [](char32_t c) { return !is_white(c); });
}
inline std::vector<std::string> line_ends(std::string_view text) {
  return kept(text, [](char32_t c) { return ends_line(c); });
}

}  // namespace fissile::testing
