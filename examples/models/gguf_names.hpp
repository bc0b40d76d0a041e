// The model's weights under the names that llama.cpp gives them, for files that are written and read.
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "llama_module.hpp"

namespace fissile::examples {

// Unstacked: views into the model's own weights, which do not ask for gradients.
inline std::vector<std::pair<std::string, torch::Tensor>> named_weights(const llama_module& model) {
  std::vector<std::pair<std::string, torch::Tensor>> weights;
  const auto add = [&](const std::string& name, const torch::Tensor& weight) {
    weights.emplace_back(name, weight.detach());
  };
  add("token_embd.weight", model.embedding);
  add("output_norm.weight", model.output_norm);
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    const auto& part = *model.layers[layer];
    const auto prefix = "blk." + std::to_string(layer) + '.';
    const auto attention = part.query_key_value.detach().chunk(3, 0);
    const auto gate_up = part.gate_up.detach().chunk(2, 0);
    add(prefix + "attn_norm.weight", part.attention_norm);
    add(prefix + "ffn_norm.weight", part.ffn_norm);
    add(prefix + "attn_q.weight", attention[0]);
    add(prefix + "attn_k.weight", attention[1]);
    add(prefix + "attn_v.weight", attention[2]);
    add(prefix + "attn_output.weight", part.attention_output);
    add(prefix + "ffn_gate.weight", gate_up[0]);
    add(prefix + "ffn_up.weight", gate_up[1]);
    add(prefix + "ffn_down.weight", part.down);
  }
  return weights;
}

}  // namespace fissile::examples
