// The ways a model is split: neurons as they stand, clustered by their gate rows, or together where they work together.
#pragma once

#include "counting.hpp"

#include <fissile/detect/neuron_coactivation.hpp>
#include <fissile/file/partition_json.hpp>
#include <fissile/partition/balanced_clusters.hpp>
#include <fissile/partition/coactivation_graph.hpp>
#include <fissile/partition/even_slices.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace fissile::babel_study {

inline constexpr index_t graph_blocks = 2;  // of each language's counted blocks, for the co-activation graph
inline constexpr std::uint64_t cluster_seed = 1, graph_seed = 1;

/// Which neurons of each layer work together, over all languages. [layers]
inline std::vector<neuron_coactivation> neurons_together(subject& model, const std::vector<language_text>& texts) {
  std::vector<neuron_coactivation> found;
  for (const ffn_weights<float>& ffn : model.layers()) {
    found.emplace_back(neuron_coactivation_settings{.neurons = ffn.neurons(), .corpus = "guide"});
  }
  const auto look = [&](index_t layer, vector_view<float> hidden) {
    found[to_size(layer)].add(matrix_view<const float>{hidden.data(), 1, hidden.length()});
  };
  unravel::progress told{"co-activation of " + model.name(), length(texts), unravel::style_of_stderr()};
  for (const language_text& text : texts) {
    for (index_t block = 0; block < graph_blocks; ++block) model.read(text.counted[to_size(block)], look);
    told.piece_done();
  }
  return found;
}

/// Keeps what it made in files: the graph takes a minute.
class splitter {
public:
  splitter(subject& model, const std::vector<language_text>& texts, std::filesystem::path folder)
      : model_(&model), texts_(&texts), folder_(std::move(folder)) {}

  std::vector<partition> operator()(const view_kind& kind) {
    const auto layers = model_->layers();
    if (kind.split == "even") return babel::split(layers, even_slices{}, kind.chosen());
    if (kind.split == "clusters") return babel::split(layers, balanced_clusters{.seed = cluster_seed}, kind.chosen());
    const std::filesystem::path file = folder_ / ("coactivation_" + std::to_string(kind.expert_neurons) + ".json");
    if (std::filesystem::exists(file)) return read_partitions_json(file.string());
    const auto together = neurons_together(*model_, *texts_);
    std::vector<partition> made;
    for (std::size_t layer = 0; layer < layers.size(); ++layer) {
      const coactivation_graph graph{.weights = together[layer].weights(), .search = {.seed = graph_seed}};
      made.push_back(babel::split<float>({layers[layer]}, graph, kind.chosen()).front());
    }
    std::filesystem::create_directories(folder_);
    write_partitions_json(file.string(), made);
    return made;
  }

private:
  subject* model_;
  const std::vector<language_text>* texts_;
  std::filesystem::path folder_;
};

}  // namespace fissile::babel_study
