// The "gpt2" tokenizer: byte pairs joined by rank within words; with an empty list of merges every byte is a token.
//
// Each byte is spelled as a printable character, so that a vocabulary is readable text: "!" to "~" and most of Latin-1
// as themselves, the others from U+0100 on. Words are cut as GPT-2 cuts them, but every character beyond ASCII is taken
// for a letter, so a text with foreign digits or punctuation can be cut otherwise than by llama.cpp.
#pragma once

#include <engine/vocabulary.hpp>

#include <array>
#include <cctype>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile::engine {

class byte_pairs {
public:
  explicit byte_pairs(const gguf_file& file) : words_(read_vocabulary(file, false)) {
    char32_t other = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad);
      const char32_t letter = printable ? static_cast<char32_t>(byte) : other++;
      std::string& spelled = spelling_[byte];  // at most U+0143: one byte of UTF-8 or two
      if (letter >= 0x80) spelled += static_cast<char>(0xc0 | (letter >> 6));
      spelled += static_cast<char>(letter < 0x80 ? letter : 0x80 | (letter & 0x3f));
      byte_of_[spelled] = static_cast<char>(byte);
      if (words_.find(spelled) == no_token) {
        refuse(file, "tokenizer.ggml.tokens", "a token for each byte", "none for byte " + std::to_string(byte));
      }
    }
    const auto merges = file.get_or("tokenizer.ggml.merges", std::vector<std::string>{});
    for (std::size_t rank = 0; rank < merges.size(); ++rank) ranks_.emplace(merges[rank], rank);
    const auto cut = file.get_or<std::string>("tokenizer.ggml.pre", "default");  // which cuts otherwise than gpt-2
    if (!ranks_.empty() && cut != "gpt-2") refuse(file, "tokenizer.ggml.pre", "gpt-2", cut);
  }

  const vocabulary& words() const noexcept { return words_; }

  std::vector<token_id> encode(std::string_view text) const {
    std::vector<token_id> tokens;
    while (!text.empty()) {
      const std::size_t size = ranks_.empty() ? text.size() : word(text);
      append_word(text.substr(0, size), tokens);
      text.remove_prefix(size);
    }
    return tokens;
  }

  /// The bytes of one token; control tokens have none.
  std::string piece(token_id token) const {
    if (words_.kind(token) == token_kind::control) return {};
    const std::string& text = words_.text(token);
    if (words_.kind(token) == token_kind::user_defined) return text;  // spelled plainly
    std::string piece;
    for (std::size_t at = 0, size = 0; at < text.size(); at += size) {
      size = utf8_length(text[at]);
      const auto found = byte_of_.find(std::string_view{text}.substr(at, size));
      if (found != byte_of_.end()) piece += found->second;
    }
    return piece;
  }

  std::string tidy(std::string text) const { return text; }

private:
  /// The length of the first word: 's 't 're 've 'm 'll 'd, or letters, digits or other signs with at most one space
  /// before them, or spaces up to the last one before a word.
  static std::size_t word(std::string_view text) {
    for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
      if (text.starts_with(ending)) return ending.size();
    }
    const auto kind = [&](std::size_t at) {
      const auto byte = static_cast<unsigned char>(text[at]);
      if (byte >= 0x80 || std::isalpha(byte) != 0) return 'a';
      return std::isdigit(byte) != 0 ? '0' : std::isspace(byte) != 0 ? ' ' : '!';
    };
    std::size_t end = text[0] == ' ' && text.size() > 1 && kind(1) != ' ' ? 1 : 0;
    const char first = kind(end);
    while (end < text.size() && kind(end) == first) ++end;
    if (first == ' ' && end > 1 && end < text.size()) --end;  // the last one belongs to the word that follows
    return end;
  }

  /// Joins the pair of lowest rank, the leftmost of equals, until no pair of neighbours has one.
  void append_word(std::string_view bytes, std::vector<token_id>& tokens) const {
    std::vector<std::string> symbols;
    for (const char byte : bytes) symbols.push_back(spelling_[static_cast<unsigned char>(byte)]);
    while (!ranks_.empty() && symbols.size() > 1) {
      std::size_t best = ranks_.size(), place = 0;
      for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
        const auto found = ranks_.find(symbols[i] + " " + symbols[i + 1]);
        if (found != ranks_.end() && found->second < best) best = found->second, place = i;
      }
      if (best == ranks_.size()) break;
      symbols[place] += symbols[place + 1];
      symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(place) + 1);
    }
    for (const std::string& symbol : symbols) {
      if (const token_id token = words_.find(symbol); token != no_token) {
        tokens.push_back(token);
        continue;
      }
      for (std::size_t at = 0, size = 0; at < symbol.size(); at += size) {  // a merge whose result is no token
        size = utf8_length(symbol[at]);
        tokens.push_back(words_.find(std::string_view{symbol}.substr(at, size)));
      }
    }
  }

  vocabulary words_;
  std::array<std::string, 256> spelling_;
  std::map<std::string, char, std::less<>> byte_of_;
  std::map<std::string, std::size_t, std::less<>> ranks_;  // "left right" -> rank
};

}  // namespace fissile::engine
