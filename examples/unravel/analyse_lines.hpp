// The lines of texts that are analysed, each a paragraph that the model reads by itself; where texts are parallel, line
// i of each translates line i of the others, and what is read of one language is read of all.
#pragma once

#include "analyse_settings.hpp"
#include "texts.hpp"
#include "windows.hpp"

#include <fissile/base/utf8.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::unravel {

/// Borrowed from a corpus.
struct text_lines {
  std::string language, origin;
  std::vector<std::string_view> lines;  // that are read, whole
  index_t there = 0;                    // lines that could have been read
};

/// Without their ends, LF or CR LF.
inline std::vector<std::string_view> lines_of(std::string_view content) {
  std::vector<std::string_view> lines;
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    std::string_view line = content.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    content.remove_prefix(std::min(end + 1, content.size()));
  }
  return lines;
}

/// Nothing but white space.
inline bool is_blank(std::string_view line) noexcept {
  while (!line.empty()) {
    const utf8_character first = character_at(line, 0);
    if (first.bytes == 0 || !is_white(first.value)) return false;
    line.remove_prefix(first.bytes);
  }
  return true;
}

/// `most` of the numbers below `count`, spread evenly from 0 on; all of them where there are no more.
inline std::vector<index_t> spread(index_t count, index_t most) {
  std::vector<index_t> places;
  for (index_t i = 0; i < std::min(count, most); ++i) places.push_back(count <= most ? i : i * count / most);
  return places;
}

/// Up to `most` lines of each text, spread evenly over those that are not blank; a line that is blank in one of several
/// parallel texts is left out of all. Throws setting_error for parallel texts that differ in lines, and for texts of
/// none.
inline std::vector<text_lines> choose_lines(const corpus& texts, line_order order, index_t most) {
  std::vector<std::vector<std::string_view>> all;
  for (const text& one : texts.texts) {
    all.push_back(lines_of(one.content));
    if (order == line_order::unrelated || all.back().size() == all.front().size()) continue;
    const text& first = texts.texts.front();
    fail<setting_error>({.argument = "--parallel",
                         .expected = "as many lines in " + one.language + " (" + one.origin + ") as in " +
                                     first.language + " (" + first.origin + "), " + std::to_string(all.front().size()),
                         .got = std::to_string(all.back().size()),
                         .cure = "give texts of which line i translates line i, or leave out --parallel"});
  }
  std::vector<text_lines> chosen;
  for (std::size_t text = 0; text < all.size(); ++text) {
    const auto blank = [&](std::size_t line) {
      const auto is = [&](const std::vector<std::string_view>& lines) { return is_blank(lines[line]); };
      return order == line_order::parallel ? std::any_of(all.begin(), all.end(), is) : is(all[text]);
    };
    std::vector<std::string_view> good;
    for (std::size_t line = 0; line < all[text].size(); ++line) {
      if (!blank(line)) good.push_back(all[text][line]);
    }
    text_lines made{texts.texts[text].language, texts.texts[text].origin, {}, length(good)};
    for (const index_t place : spread(length(good), most)) made.lines.push_back(good[to_size(place)]);
    if (made.lines.empty()) {
      fail<setting_error>({.argument = "text " + made.language + " (" + made.origin + ")",
                           .expected = "a line that is not blank" +
                                       std::string{order == line_order::parallel ? " in any of the texts" : ""},
                           .got = "none"});
    }
    chosen.push_back(std::move(made));
  }
  return chosen;
}

/// A line as the model reads it.
struct line_window {
  window read;
  index_t tokens = 0;  // of the whole line, without the begin token
  bool cut = false;    // it does not fit into the context: its end is read
};

/// The end of a line that is too long is what is read, since its last token stands for it; a cut may fall within a
/// character.
inline line_window window_of_line(std::string_view line, const engine::tokenizer& words, index_t context) {
  const engine::vocabulary& known = words.words();
  const std::vector<engine::token_id> tokens = words.encode(line);
  const std::vector<index_t> bytes = bytes_of(tokens, words, line);
  line_window made{.read = {}, .tokens = length(tokens)};
  if (known.begins) {
    made.read = {.tokens = {known.begin}, .bytes = {0}, .text_begin = 1};
  }
  const index_t first = std::max<index_t>(0, length(tokens) - (context - made.read.text_begin));
  made.cut = first > 0;
  made.read.tokens.insert(made.read.tokens.end(), tokens.begin() + first, tokens.end());
  made.read.bytes.insert(made.read.bytes.end(), bytes.begin() + first, bytes.end());
  return made;
}

}  // namespace fissile::unravel
