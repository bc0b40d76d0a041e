// Windows: what the model reads at once, as many tokens as its context holds, never beyond the end of a block.
#pragma once

#include "blocks.hpp"

#include <engine/tokenizer.hpp>

#include <algorithm>
#include <string_view>
#include <vector>

namespace fissile::unravel {

/// A model whose file asks for a begin token reads it before every window; otherwise the first token of a window is
/// context only: nothing predicts it, and its bytes are not counted.
enum class window_opening { begin_token, context_only };

inline window_opening opening_of(const engine::tokenizer& words) {
  return words.words().begins ? window_opening::begin_token : window_opening::context_only;
}

struct window {
  std::vector<engine::token_id> tokens;
  std::vector<index_t> bytes;  // of the text that each token stands for; 0 for the begin token
  index_t text_begin = 0;      // the first token of the text: 1 behind a begin token
};

inline constexpr index_t longest_window = block_bytes + 4;  // a begin token and what a tokenizer puts before a text

inline index_t window_tokens(const engine::architecture& sizes) noexcept {
  return std::min(sizes.context, longest_window);
}

/// How many bytes of the block each of its tokens stands for. Some tokenizers put a space before a text: it is none of
/// its bytes.
inline std::vector<index_t> bytes_of(const std::vector<engine::token_id>& tokens, const engine::tokenizer& words,
                                     std::string_view block) {
  std::vector<index_t> bytes;
  index_t total = 0;
  for (const engine::token_id token : tokens) {
    bytes.push_back(length(words.piece(token)));
    total += bytes.back();
  }
  for (std::size_t i = 0; total > length(block) && i < bytes.size(); ++i) {
    const index_t added = std::min(bytes[i], total - length(block));
    bytes[i] -= added;
    total -= added;
  }
  return bytes;
}

/// The windows of one block, in order; the last one may be shorter.
inline std::vector<window> windows_of(std::string_view block, const engine::tokenizer& words, index_t context) {
  const engine::vocabulary& known = words.words();
  const std::vector<engine::token_id> tokens = words.encode(block);
  const std::vector<index_t> bytes = bytes_of(tokens, words, block);
  const index_t opening = known.begins ? 1 : 0;
  const index_t step = context - opening;
  if (step < 1) {
    fail<setting_error>({.argument = "context", .expected = "at least 2 tokens", .got = std::to_string(context)});
  }
  std::vector<window> windows;
  for (index_t first = 0; first < length(tokens); first += step) {
    window made;
    made.text_begin = opening;
    if (known.begins) {
      made.tokens.push_back(known.begin);
      made.bytes.push_back(0);
    }
    for (index_t i = first; i < std::min(first + step, length(tokens)); ++i) {
      made.tokens.push_back(tokens[to_size(i)]);
      made.bytes.push_back(bytes[to_size(i)]);
    }
    windows.push_back(std::move(made));
  }
  return windows;
}

inline std::vector<window> windows_of(const std::vector<std::string_view>& blocks, const engine::tokenizer& words,
                                      index_t context) {
  std::vector<window> all;
  for (const std::string_view block : blocks) {
    for (window& one : windows_of(block, words, context)) all.push_back(std::move(one));
  }
  return all;
}

/// Bytes that are predicted: those of every token but the first of a window.
inline index_t scored_bytes(const std::vector<window>& windows) noexcept {
  index_t bytes = 0;
  for (const window& one : windows) {
    for (index_t i = 1; i < length(one.bytes); ++i) bytes += one.bytes[to_size(i)];
  }
  return bytes;
}

}  // namespace fissile::unravel
