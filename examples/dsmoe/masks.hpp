// The pruned baselines: which weights of the feed-forward layers stay zero while the model learns on.
#pragma once

#include <fissile/prune/sparsegpt.hpp>
#include <fissile/prune/wanda.hpp>
#include <fissile/prune/weight_mask.hpp>

#include <models/batch_gradient.hpp>

#include <string>
#include <vector>

#include "moe_model.hpp"

namespace fissile::examples {

/// Blocks of neighbouring neurons drawn by lot, as many as `active` of the experts: a layer that is really smaller.
inline std::vector<layer_masks> block_masks(const moe_model& model, std::uint64_t seed) {
  const auto& sizes = model.base->settings;
  const auto experts = model.settings.gates.chosen.experts, active = model.settings.active;
  random_source random{seed};
  std::vector<layer_masks> made;
  for (std::int64_t layer = 0; layer < sizes.layers; ++layer) {
    std::vector<index_t> order = ascending(experts);
    shuffle(order, random);
    auto kept = torch::zeros({experts});
    for (index_t i = 0; i < active; ++i) kept[order[to_size(i)]] = 1.0f;
    const auto neurons = kept.repeat_interleave(sizes.neurons / experts);
    made.push_back({neurons.repeat({2}).unsqueeze(1).expand({2 * sizes.neurons, sizes.width}).contiguous(),
                    neurons.unsqueeze(0).expand({sizes.width, sizes.neurons}).contiguous()});
  }
  return made;
}

inline torch::Tensor tensor_of(const weight_mask& mask) {
  auto made = torch::empty({mask.outputs, mask.inputs});
  for (std::size_t i = 0; i < mask.kept.size(); ++i) made.data_ptr<float>()[i] = mask.kept[i] != 0 ? 1.0f : 0.0f;
  return made;
}

/// Single weights at the same share, by Wanda or by SparseGPT, whose changed weights stay in the model. Each window,
/// [1 x time + 1], is a sample; all layers are judged on the dense model.
inline std::vector<layer_masks> weight_masks(moe_model& model, const std::string& by,
                                             const std::vector<torch::Tensor>& windows) {
  const torch::NoGradGuard no_gradient;
  const auto& sizes = model.base->settings;
  const auto layers = static_cast<std::size_t>(sizes.layers);
  std::vector<input_moments> of_width(layers, input_moments{{.width = sizes.width, .corpus = "guide"}});
  std::vector<input_moments> of_neurons(layers, input_moments{{.width = sizes.neurons, .corpus = "guide"}});
  std::vector<input_hessian<float>> h_width(layers, input_hessian<float>{{.width = sizes.width, .corpus = "guide"}});
  std::vector<input_hessian<float>> h_neurons(layers,
                                              input_hessian<float>{{.width = sizes.neurons, .corpus = "guide"}});
  const auto add = [](auto& to, const torch::Tensor& inputs) {
    const auto numbers = inputs.contiguous();
    to.add(matrix_view<const float>(view_of(numbers)));
    to.sample_end();
  };
  for (const auto& window : windows) {
    model.forward(window.slice(1, 0, window.size(1) - 1),
                  [&](std::size_t layer, const torch::Tensor& x, const torch::Tensor& hidden) {
                    add(of_width[layer], x);
                    add(of_neurons[layer], hidden);
                    if (by != "sparsegpt") return;
                    add(h_width[layer], x);
                    add(h_neurons[layer], hidden);
                  });
  }
  const double rate =
      1 - static_cast<double>(model.settings.active) / static_cast<double>(model.settings.gates.chosen.experts);
  const auto mask = [&](torch::Tensor& weights, const input_moments& moments, const input_hessian<float>& hessian) {
    auto numbers = weights.detach().contiguous().clone();
    if (by == "wanda") return tensor_of(mask_of(view_of(numbers), wanda{moments}, unstructured{.rate = rate}));
    const auto made = tensor_of(sparsegpt{}.prune(view_of(numbers), hessian, unstructured{.rate = rate}));
    weights.copy_(numbers);
    return made;
  };
  std::vector<layer_masks> made;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    auto& part = *model.base->layers[layer];
    made.push_back(
        {mask(part.gate_up, of_width[layer], h_width[layer]), mask(part.down, of_neurons[layer], h_neurons[layer])});
  }
  return made;
}

}  // namespace fissile::examples
