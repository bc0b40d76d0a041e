// A LLaMA-type model whose feed-forward layers are Finedeep's grids. One sub-layer of one expert without a router is
// the dense model, through the same code.
#pragma once

#include <models/llama_module.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "finedeep_function.hpp"

namespace fissile::examples {

enum class routing { learned, none };

struct finedeep_model : torch::nn::Module {
  llama_settings settings;
  finedeep_settings grid;
  std::shared_ptr<llama_module> base;
  std::vector<torch::Tensor> routers;             // [layers] of [M K x width]; no rows where none
  std::vector<std::vector<torch::Tensor>> norms;  // [layers][M - 1] of [width]; the first norm is the block's own

  finedeep_model(const llama_settings& sizes, const finedeep::choices& chosen, routing weights)
      : settings(sizes), grid{.chosen = chosen} {
    grid.chosen.epsilon = norm_epsilon;
    base = register_module("base", std::make_shared<llama_module>(sizes));
    for (std::int64_t layer = 0; layer < sizes.layers; ++layer) {
      const std::string at = std::to_string(layer);
      finedeep::choices own = chosen;
      own.seed = chosen.seed * 1000 + static_cast<std::uint64_t>(layer);
      routers.push_back(torch::empty({0, sizes.width}));
      if (weights == routing::learned) {
        auto rows = finedeep::random_routers(sizes.width, own);
        const auto copy = torch::from_blob(rows.data(), {chosen.sublayers * chosen.experts, sizes.width}).clone();
        routers.back() = register_parameter("routers" + at, copy);
      }
      norms.emplace_back();
      for (index_t sublayer = 1; sublayer < chosen.sublayers; ++sublayer) {
        norms.back().push_back(
            register_parameter("norm" + at + "_" + std::to_string(sublayer), torch::ones({sizes.width})));
      }
    }
  }

  // Multiplies every layer's down.
  void scale_down(double factor) {
    const torch::NoGradGuard no_gradient;
    for (auto& layer : base->layers) layer->down.mul_(factor);
  }

  std::int64_t weights() const {
    std::int64_t sum = 0;
    for (const auto& weight : parameters()) sum += weight.numel();
    return sum;
  }

  // tokens: [batch x time] -> logits [batch x time x 257]
  torch::Tensor forward(const torch::Tensor& tokens) {
    auto x = torch::embedding(base->embedding, tokens);
    const auto turn = base->rotary.slice(0, 0, tokens.size(1));
    for (std::size_t layer = 0; layer < base->layers.size(); ++layer) {
      const auto middle = base->layers[layer]->attend(x, turn, base->mask);
      x = feed_forward(layer, middle.reshape({-1, settings.width})).view_as(middle);
    }
    return torch::linear(rms_norm(x, base->output_norm), base->embedding);
  }

private:
  // x: [tokens x width] -> h_M
  torch::Tensor feed_forward(std::size_t layer, const torch::Tensor& x) {
    const auto& part = *base->layers[layer];
    const auto halves = part.gate_up.chunk(2, 0);
    std::vector<torch::Tensor> gains{part.ffn_norm};
    gains.insert(gains.end(), norms[layer].begin(), norms[layer].end());
    return finedeep_function::apply(x, halves[0], halves[1], part.down, torch::stack(gains), routers[layer], grid);
  }
};

}  // namespace fissile::examples
