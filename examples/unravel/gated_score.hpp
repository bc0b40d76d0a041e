// Texts read through gates: bits per byte, and how many experts open in each layer.
#pragma once

#include "blocks.hpp"
#include "gated_feed_forward.hpp"
#include "score.hpp"

#include <engine/model.hpp>
#include <engine/tokenizer.hpp>

#include <string>
#include <vector>

namespace fissile::unravel {

/// A text in windows, its even blocks.
struct gated_text {
  std::string language;
  std::vector<window> windows;
};

inline std::vector<gated_text> gated_texts(const corpus& texts, index_t bytes, const engine::model<float>& weights) {
  const engine::tokenizer words{weights.file()};
  std::vector<gated_text> made;
  for (const text& one : texts.texts) {
    const auto blocks = split_halves(one, bytes).scored;
    made.push_back({one.language, windows_of(blocks, words, window_tokens(weights.sizes()))});
  }
  return made;
}

struct gated_row {
  double threshold = 0;
  std::string language;
  score read;
  std::vector<opened> layers;

  double active() const noexcept { return share_of(layers); }
};

/// Every text at one threshold.
template <packed_element T>
std::vector<gated_row> score_gated(const engine::packed_model<T>& weights, const examples::saved_gates& gates,
                                   const std::vector<gated_text>& texts, executor_reference run) {
  engine::session read{weights, session_for(window_tokens(weights.sizes())), run};
  workspace work{weights.ffn(0), {.batch = read.batch()}, run};
  gated_feed_forward ffn{weights, gates, work};
  std::vector<gated_row> rows;
  for (const gated_text& one : texts) {
    const score found = score_windows(read, one.windows, ffn);
    rows.push_back({static_cast<double>(gates.chosen.threshold), one.language, found, ffn.take_opened()});
  }
  return rows;
}

}  // namespace fissile::unravel
