// Bits per byte: how many bits the model needs for each byte of a text, the lower the better.
//
//   bits = - sum over tokens of log2 P(token | the tokens before it in its window)
#pragma once

#include "windows.hpp"

#include <engine/session.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace fissile::unravel {

struct score {
  double bits = 0;
  index_t bytes = 0;
  double bits_per_byte() const noexcept { return bits / static_cast<double>(bytes); }
};

/// Tokens read in one call. Attention looks at no more columns than there are tokens so far, so that short calls
/// compute less; and their numbers stay in the cache.
inline constexpr index_t tokens_at_once = 128;

inline engine::session_settings session_for(index_t context) noexcept {
  return {.context = context, .batch = std::min(context, tokens_at_once)};
}

/// - log2 of the softmax at `chosen`.
inline double surprise(vector_view<const float> logits, engine::token_id chosen) noexcept {
  const float largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += static_cast<double>(std::exp(logit - largest));
  return (std::log(sum) - static_cast<double>(logits[chosen] - largest)) / std::log(2.0);
}

/// Reads one window; `visit(first, count)` is called after each part of it was read.
template <class Model, class Ffn, class Visit>
void read_window(engine::session<Model>& read, const window& text, Ffn& ffn, const Visit& visit) {
  const vector_view<const engine::token_id> tokens{text.tokens};
  read.rewind(0);
  for (index_t first = 0; first < tokens.length(); first += read.batch()) {
    const index_t count = std::min(read.batch(), tokens.length() - first);
    read(tokens.part(first, count), ffn);
    visit(first, count);
  }
}

template <class Model, class Ffn>
score score_windows(engine::session<Model>& read, const std::vector<window>& windows, Ffn& ffn) {
  score total;
  for (const window& one : windows) {
    read_window(read, one, ffn, [&](index_t first, index_t count) {
      const matrix_view<const float> logits = read.logits();
      for (index_t i = 0; i < count && first + i + 1 < length(one.tokens); ++i) {
        total.bits += surprise(logits.row(i), one.tokens[to_size(first + i + 1)]);
        total.bytes += one.bytes[to_size(first + i + 1)];
      }
    });
  }
  return total;
}

}  // namespace fissile::unravel
