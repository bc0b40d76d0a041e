// The tokens of a model, as its file lists them.
#pragma once

#include <engine/architecture.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::engine {

using token_id = std::int32_t;
inline constexpr token_id no_token = -1;

/// What a token is for, with the numbers files use.
enum class token_kind : std::int32_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

struct vocabulary {
  std::vector<std::string> texts;  // [tokens], in the spelling of the file
  std::vector<token_kind> kinds;   // [tokens]
  std::map<std::string, token_id, std::less<>> ids;
  token_id begin = no_token, end = no_token, unknown = no_token;  // those that the file names
  bool begins = false, ends = false;                              // whether a prompt gets them

  index_t size() const noexcept { return length(texts); }
  /// no_token when the text is no token.
  token_id find(std::string_view text) const {
    const auto found = ids.find(text);
    return found == ids.end() ? no_token : found->second;
  }
  const std::string& text(token_id token) const {
    Expects(token >= 0 && token < size());
    return texts[static_cast<std::size_t>(token)];
  }
  token_kind kind(token_id token) const {
    Expects(token >= 0 && token < size());
    return kinds[static_cast<std::size_t>(token)];
  }
};

/// `begins`: whether prompts begin with the begin token where the file does not say.
inline vocabulary read_vocabulary(const gguf_file& file, bool begins) {
  vocabulary read;
  read.texts = file.get<std::vector<std::string>>("tokenizer.ggml.tokens");
  const auto kinds = file.get_or("tokenizer.ggml.token_type", std::vector<std::int32_t>(read.texts.size(), 1));
  if (kinds.size() != read.texts.size()) {
    refuse(file, "tokenizer.ggml.token_type", std::to_string(read.texts.size()) + " kinds, one a token",
           std::to_string(kinds.size()));
  }
  for (const std::int32_t kind : kinds) read.kinds.push_back(static_cast<token_kind>(kind));
  // Of two tokens with the same text the first is used.
  for (index_t i = 0; i < read.size(); ++i) read.ids.emplace(read.texts[to_size(i)], static_cast<token_id>(i));
  const auto named = [&](const char* key) {
    const auto token = file.get_or<std::int64_t>(std::string{"tokenizer.ggml."} + key, no_token);
    return token >= 0 && token < read.size() ? static_cast<token_id>(token)
                                             : no_token;  // some files say "none" as 2^32 - 1
  };
  read.begin = named("bos_token_id");
  read.end = named("eos_token_id");
  read.unknown = named("unknown_token_id");
  read.begins = file.get_or("tokenizer.ggml.add_bos_token", begins) && read.begin != no_token;
  read.ends = file.get_or("tokenizer.ggml.add_eos_token", false) && read.end != no_token;
  return read;
}

/// The length of the UTF-8 character that begins with `lead`; 1 for a byte that begins none.
inline std::size_t utf8_length(char lead) noexcept {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 1;
}

}  // namespace fissile::engine
