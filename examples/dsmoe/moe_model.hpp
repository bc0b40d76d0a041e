// A LLaMA-type model whose feed-forward layers are one of several kinds, with equal weights to start from: what DSMoE
// is compared with at equal active parameters.
#pragma once

#include <models/llama_module.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "fissile_function.hpp"

namespace fissile::examples {

enum class ffn_kind {
  dense,   // all neurons
  masked,  // some weights stay zero: blocks of neurons, or single weights by Wanda or SparseGPT
  top_k,   // LLaMA-MoE's way: softmax over experts, the k best, times experts / k
  dsmoe    // sigmoid gates above a threshold, through fissile
};

struct moe_settings {
  ffn_kind kind = ffn_kind::dense;
  dsmoe_settings gates = {};
  std::int64_t active = 3;  // of top_k
};

/// What a forward pass gives.
struct moe_pass {
  torch::Tensor logits;        // [batch x time x 257]
  torch::Tensor penalty;       // the sum of the layers' shares; 0 of other kinds than dsmoe
  std::vector<double> active;  // [layers]: share of experts that worked; 1 of kinds without experts
};

/// The masks of a layer: 1 where a weight stays.
struct layer_masks {
  torch::Tensor gate_up, down;
};

struct moe_model : torch::nn::Module {
  moe_settings settings;
  std::shared_ptr<llama_module> base;
  std::vector<torch::Tensor> rows;  // [layers] of [experts x width]
  std::vector<layer_masks> masks;   // [layers] where the kind is masked

  moe_model(const llama_settings& sizes, const moe_settings& chosen) : settings(chosen) {
    base = register_module("base", std::make_shared<llama_module>(sizes));
    settings.gates.layers = sizes.layers;
    for (std::int64_t layer = 0; layer < sizes.layers; ++layer) {
      dsmoe::choices own = settings.gates.chosen;
      own.seed = own.seed * 1000 + static_cast<std::uint64_t>(layer);
      auto numbers = dsmoe::random_gates(sizes.width, own);
      rows.push_back(register_parameter("rows" + std::to_string(layer),
                                        torch::from_blob(numbers.data(), {own.experts, sizes.width}).clone()));
    }
  }

  /// `watch(layer, inputs, hidden)`, where given, sees what the matrices of a dense layer are fed with.
  template <class Watch = std::nullptr_t>
  moe_pass forward(const torch::Tensor& tokens, const Watch& watch = nullptr) {
    moe_pass pass{.logits = {}, .penalty = torch::zeros({}), .active = {}};
    auto x = torch::embedding(base->embedding, tokens);
    const auto turn = base->rotary.slice(0, 0, tokens.size(1));
    for (std::size_t layer = 0; layer < base->layers.size(); ++layer) {
      const auto middle = base->layers[layer]->attend(x, turn, base->mask);
      const auto normed = rms_norm(middle, base->layers[layer]->ffn_norm).reshape({-1, base->settings.width});
      x = middle + feed_forward(layer, normed, pass, watch).view_as(middle);
    }
    pass.logits = torch::linear(rms_norm(x, base->output_norm), base->embedding);
    return pass;
  }

private:
  /// x: [tokens x width]
  template <class Watch>
  torch::Tensor feed_forward(std::size_t layer, const torch::Tensor& x, moe_pass& pass, const Watch& watch) {
    const auto& part = *base->layers[layer];
    if (settings.kind == ffn_kind::dsmoe) {
      const auto halves = part.gate_up.chunk(2, 0);
      const auto out = dsmoe_function::apply(x, halves[0], halves[1], part.down, rows[layer], settings.gates);
      pass.penalty = pass.penalty + out[1];
      pass.active.push_back(out[2].item<double>());
      return out[0];
    }
    const bool masked = settings.kind == ffn_kind::masked;
    const auto gate_up = masked ? part.gate_up * masks[layer].gate_up : part.gate_up;
    const auto down = masked ? part.down * masks[layer].down : part.down;
    const auto halves = torch::linear(x, gate_up).chunk(2, -1);
    auto hidden = swiglu(halves[0], halves[1]);
    if constexpr (!std::is_same_v<Watch, std::nullptr_t>) watch(layer, x, hidden);
    pass.active.push_back(1);
    if (settings.kind == ffn_kind::top_k) {
      const auto experts = settings.gates.chosen.experts;
      const auto share = torch::softmax(torch::linear(x, rows[layer]), -1);
      const auto best = std::get<1>(share.topk(settings.active, -1));
      const auto chosen = torch::zeros_like(share).scatter(-1, best, 1.0);
      const auto weights = share * chosen * (static_cast<double>(experts) / static_cast<double>(settings.active));
      hidden = hidden * weights.repeat_interleave(hidden.size(1) / experts, 1);
      pass.active.back() = static_cast<double>(settings.active) / static_cast<double>(experts);
    }
    return torch::linear(hidden, down);
  }
};

}  // namespace fissile::examples
