// Greedy text: the likeliest token again and again.
#pragma once

#include <engine/session.hpp>
#include <engine/tokenizer.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::engine {

/// The lowest of equals.
inline token_id likeliest(vector_view<const float> logits) noexcept {
  return static_cast<token_id>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// Continues `prompt` by at most `most` tokens, and returns the continuation. Stops at the end token and at the end of
/// the context; only the last tokens of a prompt longer than the context are read. `show(piece)` sees each token's text
/// as it comes, which may be a part of a character.
template <language_model Model, feed_forward Ffn, class Show>
std::string generate(session<Model>& read, const tokenizer& words, Ffn& ffn, std::string_view prompt, index_t most,
                     const Show& show) {
  std::vector<token_id> tokens = words.prompt(prompt);
  if (length(tokens) > read.context()) tokens.erase(tokens.begin(), tokens.end() - read.context());
  read.rewind(0);
  std::string text;
  for (index_t first = 0; first < length(tokens); first += read.batch()) {
    read(vector_view<const token_id>{tokens}.part(first, std::min(read.batch(), length(tokens) - first)), ffn);
  }
  for (index_t made = 0; made < most && read.position() > 0; ++made) {
    const token_id next = likeliest(read.last_logits());
    if (next == words.words().end) break;
    const std::string piece = words.piece(next);
    show(std::string_view{piece});
    text += piece;
    if (read.position() == read.context()) break;
    read(vector_view<const token_id>{&next, 1}, ffn);
  }
  return text;
}

}  // namespace fissile::engine
