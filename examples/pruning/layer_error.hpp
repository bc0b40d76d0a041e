// What pruning does to each feed-forward layer by itself, in every language, on the inputs that the whole model gives
// it:
//
//   error = || FFN(X) - FFN'(X) || / || FFN(X) ||        X [positions x width], norms over all positions
#pragma once

#include "reader.hpp"

#include <unravel/calibrate.hpp>

#include <vector>

namespace fissile::pruning_study {

/// Inputs of the feed-forward layers in one language.
struct layer_probe {
  std::vector<std::vector<float>> inputs;  // [layers][positions x width]
  index_t width = 0;

  matrix_view<const float> input(index_t layer) const {
    const std::vector<float>& of_layer = inputs[to_size(layer)];
    return {of_layer.data(), length(of_layer) / width, width};
  }
};

/// Reads the first `positions` tokens of the text.
inline layer_probe probe_layers(const engine::model<float>& weights, const engine::tokenizer& words,
                                const std::string& text, index_t positions) {
  std::vector<engine::token_id> tokens = opened(words, text);
  tokens.resize(std::min(tokens.size(), to_size(positions)));
  engine::session<engine::model<float>> read{weights, {.context = length(tokens)}};
  unravel::whole_feed_forward<engine::model<float>> dense{weights};
  layer_probe made{.inputs = {}, .width = weights.sizes().width};
  read(tokens, [&](index_t layer, matrix_view<const float> inputs, matrix_view<float> residual) {
    made.inputs.emplace_back(inputs.data(), inputs.data() + inputs.rows() * inputs.columns());
    dense(layer, inputs, residual);
  });
  return made;
}

/// The layers may have lost neurons. [layers]
inline std::vector<double> layer_errors(const layer_probe& probe, const unravel::changed_model& pruned) {
  std::vector<double> errors;
  for (index_t layer = 0; layer < length(probe.inputs); ++layer) {
    errors.push_back(unravel::feed_forward_error(pruned.base().ffn(layer), pruned.ffn(layer), probe.input(layer)));
  }
  return errors;
}

}  // namespace fissile::pruning_study
