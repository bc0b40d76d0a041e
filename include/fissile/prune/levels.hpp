// Levels of layers for `by_level`: how much is going on in each, measured on texts.
#pragma once

#include <fissile/count/activation_counts.hpp>
#include <fissile/detect/neuron_magnitudes.hpp>

#include <vector>

namespace fissile {

/// Mean |h| of the neurons that were run; high: remove less. 0 for a layer where none was. [layers]
inline std::vector<double> mean_activation_levels(const neuron_magnitudes& found) {
  std::vector<double> levels;
  for (index_t layer = 0; layer < found.layers(); ++layer) {
    const layer_neurons& neurons = found.of(layer);
    double sum = 0;
    std::uint64_t times = 0;
    for (index_t neuron = 0; neuron < neurons.neurons(); ++neuron) {
      sum += neurons[neuron].sum;
      times += neurons[neuron].times;
    }
    levels.push_back(times == 0 ? 0.0 : sum / static_cast<double>(times));
  }
  return levels;
}

/// The share of unshared experts for which chosen(frequency) holds in the texts of a label. 0 where all are shared.
template <class Chosen>
std::vector<double> share_levels(const activation_counts& counts, label_key label, const Chosen& chosen) {
  std::vector<double> levels;
  for (index_t layer = 0; layer < counts.layers(); ++layer) {
    const layer_counts& experts = counts.of(label, layer);
    index_t found = 0;
    index_t unshared = 0;
    for (index_t e = 0; e < experts.experts(); ++e) {
      if (experts.is_shared(e)) continue;
      ++unshared;
      found += chosen(experts.frequency(e)) ? 1 : 0;
    }
    levels.push_back(unshared == 0 ? 0.0 : static_cast<double>(found) / static_cast<double>(unshared));
  }
  return levels;
}

/// The share of experts whose frequency is at least `frequency`; high: remove less. [layers]
inline std::vector<double> busy_levels(const activation_counts& counts, label_key label, double frequency) {
  return share_levels(counts, label, [&](double found) { return found >= frequency; });
}

/// The share of experts that were never chosen; high: remove more. [layers]
inline std::vector<double> idle_levels(const activation_counts& counts, label_key label) {
  return share_levels(counts, label, [](double found) { return !(found > 0); });
}

}  // namespace fissile
