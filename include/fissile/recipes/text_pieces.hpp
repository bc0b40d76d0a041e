// A text in pieces: its words, the white characters between them, and what is not UTF-8.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/utf8.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

namespace fissile {

/// What a word is. Thai, Lao and Khmer, too, are written without spaces: no rule here cuts them.
enum class word_rule {
  spaces,                // what white space encloses: a sentence of Chinese is one word
  spaces_and_ideographs  // and each Han or kana character is a word of its own
};

enum class piece_kind { space, line_end, word, ideograph, broken };

/// Bytes of the text: one white character, a word, or the bytes between white space of which some are not UTF-8.
struct text_piece {
  std::string_view bytes;
  piece_kind kind;
  bool is_word() const noexcept { return kind == piece_kind::word || kind == piece_kind::ideograph; }
};

/// The characters of valid UTF-8.
inline std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> characters;
  for (std::size_t i = 0; i < text.size(); i += characters.back().size()) {
    characters.push_back(text.substr(i, character_at(text, i).bytes));
    Expects(!characters.back().empty());
  }
  return characters;
}

/// A run of valid characters without white ones, as the words that it is.
inline void append_words(std::vector<text_piece>& pieces, std::string_view run, word_rule rule) {
  std::size_t begin = 0;
  const auto close = [&](std::size_t end) {
    if (end > begin) pieces.push_back({run.substr(begin, end - begin), piece_kind::word});
  };
  for (std::size_t i = 0; rule == word_rule::spaces_and_ideographs && i < run.size();) {
    const utf8_character here = character_at(run, i);
    if (is_ideograph(here.value)) {
      close(i);
      pieces.push_back({run.substr(i, here.bytes), piece_kind::ideograph});
      begin = i + here.bytes;
    }
    i += here.bytes;
  }
  close(run.size());
}

/// The text in pieces, none left out.
inline std::vector<text_piece> pieces_of(std::string_view text, word_rule rule) {
  std::vector<text_piece> pieces;
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    utf8_character here = character_at(text, begin);
    if (here.bytes > 0 && is_white(here.value)) {
      end = begin + here.bytes;
      pieces.push_back(
          {text.substr(begin, here.bytes), ends_line(here.value) ? piece_kind::line_end : piece_kind::space});
      continue;
    }
    bool valid = true;
    for (; end < text.size() && !(here.bytes > 0 && is_white(here.value)); here = character_at(text, end)) {
      valid = valid && here.bytes > 0;
      end += std::max<std::size_t>(here.bytes, 1);
    }
    const std::string_view run = text.substr(begin, end - begin);
    if (valid) {
      append_words(pieces, run, rule);
    } else {
      pieces.push_back({run, piece_kind::broken});
    }
  }
  return pieces;
}

/// What may be put in: each character of the words once, in the order of the code points.
inline std::vector<std::string_view> alphabet_of(const std::vector<text_piece>& pieces) {
  std::vector<std::string_view> alphabet;
  for (const text_piece& p : pieces) {
    if (!p.is_word()) continue;
    const std::vector<std::string_view> characters = characters_of(p.bytes);
    alphabet.insert(alphabet.end(), characters.begin(), characters.end());
  }
  std::sort(alphabet.begin(), alphabet.end());  // of bytes, which for UTF-8 is that of code points
  alphabet.erase(std::unique(alphabet.begin(), alphabet.end()), alphabet.end());
  return alphabet;
}

/// The word that word `i` may change places with: the next of its line. `i` itself where there is none.
inline std::size_t partner_of(const std::vector<text_piece>& pieces, std::size_t i) {
  std::size_t next = i + 1;
  while (next < pieces.size() && pieces[next].kind == piece_kind::space) ++next;
  return next < pieces.size() && pieces[next].is_word() ? next : i;
}

}  // namespace fissile
