// The tokenizer of a model, of whichever kind its file names.
#pragma once

#include <engine/byte_pairs.hpp>
#include <engine/sentence_piece.hpp>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fissile::engine {

class tokenizer {
public:
  explicit tokenizer(const gguf_file& file) : kind_(choose(file)) {}

  /// The tokens of a text and nothing else.
  std::vector<token_id> encode(std::string_view text) const {
    return std::visit([&](const auto& kind) { return kind.encode(text); }, kind_);
  }
  /// The same between the begin and end tokens, where the file asks for them.
  std::vector<token_id> prompt(std::string_view text) const {
    std::vector<token_id> tokens = encode(text);
    if (words().begins) tokens.insert(tokens.begin(), words().begin);
    if (words().ends) tokens.push_back(words().end);
    return tokens;
  }

  /// The bytes of one token, which may be a part of a character.
  std::string piece(token_id token) const {
    return std::visit([&](const auto& kind) { return kind.piece(token); }, kind_);
  }
  /// The text that `encode` made these tokens of.
  std::string decode(vector_view<const token_id> tokens) const {
    std::string text;
    for (const token_id token : tokens) text += piece(token);
    return std::visit([&](const auto& kind) { return kind.tidy(std::move(text)); }, kind_);
  }

  const vocabulary& words() const {
    return std::visit([](const auto& kind) -> const vocabulary& { return kind.words(); }, kind_);
  }

private:
  using any_kind = std::variant<sentence_piece, byte_pairs>;
  static any_kind choose(const gguf_file& file) {
    const auto name = file.get<std::string>("tokenizer.ggml.model");
    if (name == "llama") return sentence_piece{file};
    if (name == "gpt2") return byte_pairs{file};
    refuse(file, "tokenizer.ggml.model", "llama or gpt2", name);
  }

  any_kind kind_;
};

}  // namespace fissile::engine
