// What a DSMoE model can begin with in place of the paper's neurons in stored order and random gates: neurons grouped
// by their gate rows, and gates distilled layer by layer from the dense model (train/distil.hpp). Both are ours.
#pragma once

#include <fissile/partition/balanced_clusters.hpp>
#include <fissile/train/distil.hpp>

#include <algorithm>
#include <utility>
#include <vector>

#include "moe_model.hpp"

namespace fissile::examples {

/// Which neurons stand together.
enum class neuron_order { stored, clusters };
/// Where the gates' rows come from.
enum class gate_start { random, distilled };

struct warm_settings {
  neuron_order order = neuron_order::stored;
  gate_start gates = gate_start::random;
  double share = 0.375;      // of experts that distilled gates are led to
  double sharpness = 1;      // what distilled rows are multiplied by: the same gates open, further from the threshold
  std::int64_t steps = 600;  // of the distillation, 256 tokens each
};

/// The neurons of every layer in a new order, so that equal slices are clusters; the model computes the same.
inline void order_by_clusters(moe_model& model) {
  const torch::NoGradGuard no_gradient;
  const index_t experts = model.settings.gates.chosen.experts;
  for (auto& layer : model.base->layers) {
    const auto halves = layer->gate_up.chunk(2, 0);
    const auto gate = halves[0].contiguous(), up = halves[1].contiguous(), down = layer->down.contiguous();
    const partition split =
        balanced_clusters{}.split(ffn_weights<float>{view_of(gate), view_of(up), view_of(down)}, experts);
    std::vector<std::int64_t> order;
    for (index_t e = 0; e < experts; ++e) {
      for (const index_t neuron : split.expert(e)) order.push_back(neuron);
    }
    const auto by = torch::tensor(order, torch::kLong);
    layer->gate_up.copy_(torch::cat({gate.index_select(0, by), up.index_select(0, by)}, 0));
    layer->down.copy_(down.index_select(1, by));
  }
}

/// What the feed-forward layers of the dense model read and give on some windows, [1 x time + 1] each.
struct layer_pairs {
  torch::Tensor inputs, outputs;  // [tokens x width]
};

inline std::vector<layer_pairs> read_layers(moe_model& model, const std::vector<torch::Tensor>& windows) {
  const torch::NoGradGuard no_gradient;
  const ffn_kind kind = std::exchange(model.settings.kind, ffn_kind::dense);
  const std::size_t layers = model.base->layers.size();
  std::vector<std::vector<torch::Tensor>> inputs(layers), outputs(layers);
  for (const auto& window : windows) {
    model.forward(window.slice(1, 0, window.size(1) - 1),
                  [&](std::size_t layer, const torch::Tensor& x, const torch::Tensor& hidden) {
                    inputs[layer].push_back(x);
                    outputs[layer].push_back(torch::linear(hidden, model.base->layers[layer]->down));
                  });
  }
  model.settings.kind = kind;
  std::vector<layer_pairs> read;
  for (std::size_t i = 0; i < layers; ++i) {
    read.push_back({torch::cat(inputs[i], 0).contiguous(), torch::cat(outputs[i], 0).contiguous()});
  }
  return read;
}

/// Gates that open the experts which give a layer's own output best, by the rule that training will use.
inline void distil_gates(moe_model& model, const warm_settings& warm, const std::vector<torch::Tensor>& windows) {
  const torch::NoGradGuard no_gradient;
  const std::vector<layer_pairs> read = read_layers(model, windows);
  const dsmoe::choices& chosen = model.settings.gates.chosen;
  for (std::size_t i = 0; i < read.size(); ++i) {
    const auto& layer = *model.base->layers[i];
    const auto halves = layer.gate_up.chunk(2, 0);
    const auto gate = halves[0].contiguous(), up = halves[1].contiguous(), down = layer.down.contiguous();
    const ffn_weights<float> ffn{view_of(gate), view_of(up), view_of(down)};
    const distil_settings settings{.steps = warm.steps,
                                   .rule = dsmoe::gate(chosen),
                                   .share = {.target = warm.share},
                                   .seed = chosen.seed * 1000 + i};
    distiller<float, silu> pupil{ffn, dsmoe::split(ffn, chosen), silu{}, settings};
    random_source random{settings.seed};
    const auto tokens = read[i].inputs.size(0);
    while (!pupil.done()) {
      const auto first = random.below(tokens / settings.batch);
      const auto x = read[i].inputs.narrow(0, first * settings.batch, settings.batch);
      const auto y = read[i].outputs.narrow(0, first * settings.batch, settings.batch);
      pupil.step(view_of(x), view_of(y));
    }
    const matrix_view<const float> rows = pupil.rows();
    std::transform(rows.data(), rows.data() + rows.rows() * rows.columns(), model.rows[i].data_ptr<float>(),
                   [&](float weight) { return static_cast<float>(warm.sharpness) * weight; });
  }
}

}  // namespace fissile::examples
