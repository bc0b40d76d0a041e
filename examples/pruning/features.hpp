// Which features of the hidden states a kind of text makes large, with padding counted as the paper's code does, and
// without.
#pragma once

#include "calibration.hpp"
#include "reader.hpp"

#include <fissile/recipes/translation_pruning.hpp>

#include <string>
#include <vector>

namespace fissile::pruning_study {

/// What is read of each kind: samples of 512 positions, padded with the token that opens a text.
struct padded_sample {
  std::vector<engine::token_id> tokens;  // [positions]
  std::vector<char> padding;             // [positions]: 1 behind the text
};
inline padded_sample padded_to(std::vector<engine::token_id> tokens, index_t positions, engine::token_id filler) {
  Expects(length(tokens) <= positions);
  padded_sample made{.tokens = std::move(tokens), .padding = {}};
  made.padding.assign(made.tokens.size(), 0);
  made.tokens.resize(to_size(positions), filler);
  made.padding.resize(to_size(positions), 1);
  return made;
}

/// Both ways of counting, from one reading.
struct two_magnitudes {
  feature_magnitudes masked, reference;
};

/// Of the model as it is; states before the first block and behind each.
inline two_magnitudes measure_features(const engine::model<float>& weights, const engine::tokenizer& words,
                                       const std::vector<std::string>& samples, const std::string& corpus) {
  const engine::architecture& sizes = weights.sizes();
  const engine::packed_model<float> packed{weights};
  engine::session<engine::packed_model<float>> read{packed, unravel::session_for(sizes.context)};
  engine::packed_feed_forward<float> ffn{packed, read.batch()};
  two_magnitudes found{translation_pruning::large_features(sizes.layers, sizes.width, corpus),
                       translation_pruning::large_features(sizes.layers, sizes.width, corpus)};
  for (const std::string& text : samples) {
    const padded_sample sample = padded_to(opened(words, text), sizes.context, words.words().begin);
    read.rewind(0);
    for (index_t first = 0; first < sizes.context; first += read.batch()) {
      const index_t count = std::min(read.batch(), sizes.context - first);
      const auto part = vector_view<const engine::token_id>{sample.tokens}.part(first, count);
      const auto padding = vector_view<const char>{sample.padding}.part(first, count);
      read(part, ffn, [&](index_t layer, matrix_view<const float> states) {
        using translation_pruning::add_states;
        add_states(found.masked, layer, states, padding, {.padding = padding_rule::masked});
        add_states(found.reference, layer, states, padding, {.padding = padding_rule::reference});
      });
    }
    found.masked.input_end();
    found.reference.input_end();
  }
  return found;
}

}  // namespace fissile::pruning_study
