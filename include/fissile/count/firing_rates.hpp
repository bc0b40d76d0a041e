// How often each neuron fires, by label: the counts that language-specific neurons are found with (LAPE, Tang et al.
// 2024, "Language-Specific Neurons", arXiv 2402.16438).
//
//   rate of a neuron = tokens of the label's texts with activation > 0 / tokens
//
//   firing_rates found{{neurons_of_layer_0, neurons_of_layer_1}, {.labels = {"en", "de"}, .layers = 2}};
//   found.at("en", layer).add(activated);        // [tokens x neurons]: activation(gate . x), or of up where no gate is
//   found.rate("en", layer, neuron);
//
// What fires is the activation, before it is multiplied by up: silu(gate . x) in LLaMA. As silu and gelu are positive
// just where their argument is, gate . x itself does as well.
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/count/counts_table.hpp>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

/// One layer and label. Plain data; sums of whole numbers, so that merging is exact.
struct layer_firing {
  std::uint64_t tokens = 0;
  std::uint64_t undefined = 0;       // activations that were NaN: they do not fire
  std::vector<std::uint64_t> fires;  // [neurons]: tokens with activation > 0

  layer_firing() = default;
  explicit layer_firing(const partition& split) : fires(to_size(split.neurons()), 0) {}

  index_t neurons() const noexcept { return length(fires); }
  /// What the table calls an expert, the thing that is counted, is here a neuron.
  index_t experts() const noexcept { return neurons(); }
  /// 0 where no token was seen.
  double rate(index_t neuron) const noexcept {
    Expects(neuron >= 0 && neuron < neurons());
    return tokens == 0 ? 0.0 : static_cast<double>(fires[to_size(neuron)]) / static_cast<double>(tokens);
  }

  /// activations: [tokens x neurons]. Allocates nothing.
  void add(matrix_view<const float> activations) noexcept {
    Expects(activations.columns() == neurons());
    for (index_t token = 0; token < activations.rows(); ++token) {
      const float* activation = activations.row(token).data();
      for (index_t neuron = 0; neuron < neurons(); ++neuron) {
        fires[to_size(neuron)] += activation[neuron] > 0 ? 1 : 0;
        undefined += activation[neuron] != activation[neuron] ? 1 : 0;
      }
    }
    tokens += static_cast<std::uint64_t>(activations.rows());
  }

  void clear() noexcept {
    tokens = undefined = 0;
    std::fill(fires.begin(), fires.end(), std::uint64_t{0});
  }
  bool same_shape(const layer_firing& other) const noexcept { return neurons() == other.neurons(); }
  bool can_merge(const layer_firing& other) const noexcept {
    return same_shape(other) && tokens <= ~other.tokens && undefined <= ~other.undefined;  // no count is above tokens
  }
  void merge(const layer_firing& other) noexcept {
    Expects(can_merge(other));
    tokens += other.tokens;
    undefined += other.undefined;
    for (std::size_t j = 0; j < fires.size(); ++j) fires[j] += other.fires[j];
  }
  bool can_subtract(const layer_firing& part) const noexcept {
    bool all = same_shape(part) && tokens >= part.tokens && undefined >= part.undefined;
    for (std::size_t j = 0; all && j < fires.size(); ++j) all = fires[j] >= part.fires[j];
    return all;
  }
  void subtract(const layer_firing& part) noexcept {
    Expects(can_subtract(part));
    tokens -= part.tokens;
    undefined -= part.undefined;
    for (std::size_t j = 0; j < fires.size(); ++j) fires[j] -= part.fires[j];
  }
  /// What cannot be true of any counting, in words; empty where all is well.
  std::string contradiction() const {
    if (fires.empty()) return "no neurons";
    for (index_t j = 0; j < neurons(); ++j) {
      if (fires[to_size(j)] > tokens) return "neuron " + std::to_string(j) + " fires for more tokens than there were";
    }
    return {};
  }

  friend bool operator==(const layer_firing&, const layer_firing&) = default;
};

/// What `firing_rates::at` gives: it is fed with activations, not with routes. A pointer to copy as one likes.
template <>
class cell_counter<layer_firing> {
public:
  explicit cell_counter(layer_firing& into) noexcept : into_(&into) {}
  void add(matrix_view<const float> activations) noexcept { into_->add(activations); }

private:
  layer_firing* into_;
};
using firing_counter = cell_counter<layer_firing>;

/// Plain data: compare it, merge it. A label or layer that is not there is refused with setting_error; such a neuron
/// breaks a contract.
class firing_rates : public counts_table<firing_rates, layer_firing> {
public:
  /// neurons: of each layer. Throws setting_error for a layer of none, and as counts_table does.
  firing_rates(const std::vector<index_t>& neurons, counts_settings settings)
      : counts_table(undivided(neurons), std::move(settings)) {}

  index_t neurons(index_t layer) const { return of(0, layer).neurons(); }
  std::uint64_t fires(label_key label, index_t layer, index_t neuron) const {
    const layer_firing& found = of(label, layer);
    Expects(neuron >= 0 && neuron < found.neurons());
    return found.fires[to_size(neuron)];
  }
  /// Tokens for which the neuron fired, of all tokens seen; 0 where none was seen.
  double rate(label_key label, index_t layer, index_t neuron) const { return of(label, layer).rate(neuron); }

  friend bool operator==(const firing_rates&, const firing_rates&) = default;

private:
  static std::vector<partition> undivided(const std::vector<index_t>& neurons) {
    std::vector<partition> layers;
    for (index_t count : neurons) layers.emplace_back(cut_evenly(ascending(count), 1, "firing_rates: neurons"));
    return layers;
  }
};

}  // namespace fissile
