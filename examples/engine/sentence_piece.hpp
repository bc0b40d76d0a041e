// The "llama" tokenizer: SentencePiece, where the neighbours that make the best-scored token are joined first.
//
// Spaces are written as U+2581; what is no token becomes its bytes, so that every text can be encoded by a file that
// has a token for each byte, or one for what is unknown.
#pragma once

#include <engine/vocabulary.hpp>

#include <array>
#include <charconv>
#include <queue>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile::engine {

class sentence_piece {
public:
  explicit sentence_piece(const gguf_file& file)
      : words_(read_vocabulary(file, true)),
        scores_(file.get<std::vector<float>>("tokenizer.ggml.scores")),
        prefix_(file.get_or("tokenizer.ggml.add_space_prefix", true)) {
    if (scores_.size() != words_.texts.size()) {
      refuse(file, "tokenizer.ggml.scores", std::to_string(words_.size()) + " scores, one a token",
             std::to_string(scores_.size()));
    }
    byte_tokens_.fill(no_token);
    for (token_id token = 0; token < static_cast<token_id>(words_.size()); ++token) {
      if (words_.kind(token) == token_kind::byte) byte_tokens_[byte_of(token)] = token;
    }
    for (unsigned byte = 0; byte < 256; ++byte) {  // files without kinds: by the text of "<0x0A>", or the byte itself
      constexpr std::string_view digits = "0123456789ABCDEF";
      const char raw = static_cast<char>(byte);
      token_id& token = byte_tokens_[byte];
      if (token == no_token) token = words_.find(std::string{"<0x"} + digits[byte >> 4] + digits[byte & 15] + ">");
      if (token == no_token) token = words_.find(std::string_view{&raw, 1});
      if (token == no_token) token = words_.unknown;
    }
  }

  const vocabulary& words() const noexcept { return words_; }

  std::vector<token_id> encode(std::string_view text) const {
    std::string spelled = prefix_ && !text.empty() ? std::string{space} : std::string{};
    for (const char letter : text) letter == ' ' ? spelled.append(space) : spelled.append(1, letter);
    std::vector<token_id> tokens;
    for (const std::string_view piece : join(spelled)) {
      const token_id token = words_.find(piece);
      if (token != no_token) {
        tokens.push_back(token);
        continue;
      }
      for (const char byte : piece) {
        const token_id fallback = byte_tokens_[static_cast<unsigned char>(byte)];
        if (fallback == no_token) {
          fail<file_error>({.argument = "tokenizer.ggml.tokens",
                            .expected = "a token for byte " + std::to_string(static_cast<unsigned char>(byte)),
                            .got = "neither one nor an unknown token"});
        }
        tokens.push_back(fallback);
      }
    }
    return tokens;
  }

  /// The bytes of one token; control tokens have none.
  std::string piece(token_id token) const {
    if (is_byte(token)) return std::string(1, static_cast<char>(byte_of(token)));
    if (words_.kind(token) == token_kind::control || words_.kind(token) == token_kind::unknown) return {};
    const std::string_view text = words_.text(token);
    std::string piece;
    for (std::size_t at = 0; at < text.size();) {
      const bool spaced = text.substr(at).starts_with(space);
      piece += spaced ? ' ' : text[at];
      at += spaced ? space.size() : 1;
    }
    return piece;
  }

  /// The first space of a text was put there by `encode`.
  std::string tidy(std::string text) const {
    if (prefix_ && text.starts_with(' ')) text.erase(0, 1);
    return text;
  }

private:
  static constexpr std::string_view space = "\xe2\x96\x81";

  /// Of "<0xE2>"; 0 where the text is not of this form.
  unsigned char byte_of(token_id token) const {
    const std::string& text = words_.text(token);
    unsigned char byte = 0;
    if (text.size() == 6 && text.starts_with("<0x")) std::from_chars(text.data() + 3, text.data() + 5, byte, 16);
    return byte;
  }

  bool is_byte(token_id token) const {
    const std::string& text = words_.text(token);
    return words_.kind(token) == token_kind::byte ||
           (text.size() == 6 && text.starts_with("<0x") && byte_tokens_[byte_of(token)] == token);
  }

  struct symbol {
    std::string_view text;  // empty: joined to the one before
    std::size_t before, after;
  };
  struct candidate {
    float score;
    std::size_t left, length;  // of the joined text: tells whether the symbols are still those it was made of
    bool operator<(const candidate& other) const noexcept {
      return score < other.score || (score == other.score && left > other.left);  // the leftmost of equals
    }
  };

  /// Joins characters as long as some pair of neighbours is a token, the best score first.
  std::vector<std::string_view> join(std::string_view text) const {
    constexpr std::size_t none = std::string_view::npos;
    std::vector<symbol> symbols;
    for (std::size_t at = 0; at < text.size(); at += symbols.back().text.size()) {
      symbols.push_back({text.substr(at, utf8_length(text[at])), symbols.size() - 1, symbols.size() + 1});
    }
    if (symbols.empty()) return {};
    symbols.back().after = none;
    std::priority_queue<candidate> queue;
    const auto propose = [&](std::size_t left) {
      if (left == none || symbols[left].after == none) return;
      const std::string_view a = symbols[left].text, b = symbols[symbols[left].after].text;
      const std::string_view joined{a.data(), a.size() + b.size()};
      const token_id token = words_.find(joined);
      if (token != no_token) queue.push({scores_[static_cast<std::size_t>(token)], left, joined.size()});
    };
    for (std::size_t left = 0; left + 1 < symbols.size(); ++left) propose(left);
    while (!queue.empty()) {
      const candidate best = queue.top();
      queue.pop();
      symbol& left = symbols[best.left];
      if (left.text.empty() || left.after == none) continue;
      symbol& right = symbols[left.after];
      if (left.text.size() + right.text.size() != best.length) continue;
      left.text = {left.text.data(), best.length};
      right.text = {};
      left.after = right.after;
      if (left.after != none) symbols[left.after].before = best.left;
      propose(left.before);
      propose(best.left);
    }
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at != none; at = symbols[at].after) pieces.push_back(symbols[at].text);
    return pieces;
  }

  vocabulary words_;
  std::vector<float> scores_;
  std::array<token_id, 256> byte_tokens_{};
  bool prefix_;
};

}  // namespace fissile::engine
