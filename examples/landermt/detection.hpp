// Which neurons a pair of languages is translated with, found by fissile from what its backward pass shows.
#pragma once

#include <fissile/recipes/landermt.hpp>

#include <string>
#include <vector>

#include "fissile_ffn.hpp"
#include "pair_windows.hpp"
#include "settings.hpp"

namespace fissile::examples {

/// The mean loss over what is predicted, in nats.
inline torch::Tensor loss_of(llama_module& model, const pair_window& window, const neuron_watch& watch = {}) {
  const auto tokens = torch::tensor(window.tokens, torch::kLong).unsqueeze(0);
  const auto logits = logits_of(model, tokens.slice(1, 0, tokens.size(1) - 1), watch);
  const auto losses = torch::cross_entropy_loss(logits, tokens[0].slice(0, 1), {}, at::Reduction::None);
  return (losses * torch::tensor(window.counts)).sum() / static_cast<double>(window.predicted());
}

/// Of all layers and pairs.
struct detected_neurons {
  std::vector<landermt::awareness> layers;
  std::vector<std::vector<double>> activity;  // [pairs][layers], means over windows
};

/// Reads windows of every pair, drawn from training pages; a window is a batch.
inline detected_neurons detect(llama_module& model, const std::vector<pair_stream>& streams, const run_settings& run) {
  importance_settings settings{.labels = {}, .neurons = model.settings.neurons, .corpus = "guide, aligned paragraphs"};
  for (const language_pair& pair : language_pairs()) settings.labels.push_back(pair.name());
  detected_neurons found;
  found.layers.assign(model.layers.size(), landermt::awareness{settings, run.chosen});
  for (std::size_t pair = 0; pair < streams.size(); ++pair) {
    found.activity.emplace_back(model.layers.size(), 0.0);
    random_source chance{1000 * run.seed + pair};
    for (index_t i = 0; i < run.detection; ++i) {
      const pair_window window = streams[pair].drawn(chance, model.settings.context);
      loss_of(model, window, [&](std::size_t layer, auto hidden, auto gradients) {
        found.layers[layer].add(static_cast<index_t>(pair), hidden, gradients);
        found.activity[pair][layer] += landermt::activity_of(hidden, run.chosen) / static_cast<double>(run.detection);
      }).backward();
    }
  }
  model.zero_grad();
  return found;
}

/// The neurons of each layer that learn.
inline std::vector<std::vector<index_t>> learning_neurons(const detected_neurons& found, index_t pair,
                                                          const run_settings& run) {
  const auto relevant = landermt::relevant_layers(landermt::layer_changes(found.activity[to_size(pair)]), run.chosen);
  random_source lots{run.seed};
  std::vector<std::vector<index_t>> made;
  for (index_t layer = 0; layer < length(found.layers); ++layer) {
    const auto theta = found.layers[to_size(layer)].theta();
    const auto groups = landermt::groups_of(theta, run.chosen);
    const auto detected = landermt::learning(groups, pair), top = landermt::top_neurons(theta.row(pair), run.chosen);
    std::vector<index_t> some = ascending(theta.columns());  // "ffn"
    if (run.variant == "detected") some = detected;
    if (run.variant == "top") some = top;
    if (run.variant == "specific") some = groups.specific[to_size(pair)];
    if (run.variant == "relevant") {
      some = std::binary_search(relevant.begin(), relevant.end(), layer) ? detected : std::vector<index_t>{};
    }
    if (run.variant.starts_with("random")) {
      shuffle(some, lots);
      some.resize(run.variant == "random" ? detected.size() : top.size());
    }
    made.push_back(some);
  }
  return made;
}

}  // namespace fissile::examples
