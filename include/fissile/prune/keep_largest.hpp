// Experts by how strongly their neurons work: those with the smallest activations go first.
#pragma once

#include <fissile/detect/neuron_magnitudes.hpp>
#include <fissile/prune/judge.hpp>
#include <fissile/prune/short_number.hpp>

#include <algorithm>

namespace fissile {

/// standing = sum over the expert's neurons of the sum of |h| over all tokens that ran it. So a larger expert stands
/// higher for its size, and one that runs often for that. The magnitudes are borrowed and must outlive this; they may
/// have been measured with another partition of the same neurons.
class keep_largest {
public:
  explicit keep_largest(const neuron_magnitudes& found) noexcept : found_(&found) {}
  explicit keep_largest(const neuron_magnitudes&&) = delete;

  std::string name() const { return "keep_largest"; }
  evidence seen() const {
    std::uint64_t tokens = 0;
    for (index_t layer = 0; layer < found_->layers(); ++layer) tokens = std::max(tokens, found_->of(layer).tokens());
    return {.corpus = found_->corpus(), .tokens = tokens};
  }

  /// Throws shape_error where the layer has other neurons, setting_error where it was not measured.
  std::vector<standing> standings(index_t layer, const partition& experts) const {
    const layer_neurons& measured = found_->of(layer);
    const std::string who = "keep_largest: magnitudes of layer " + std::to_string(layer);
    if (measured.neurons() != experts.neurons()) {
      fail<shape_error>({.argument = who,
                         .expected = std::to_string(experts.neurons()) + " neurons",
                         .got = std::to_string(measured.neurons())});
    }
    if (measured.tokens() == 0) {
      fail<setting_error>({.argument = who,
                           .expected = "measured tokens",
                           .got = "none",
                           .cure = "run texts with neuron_magnitudes as the observer before deciding"});
    }
    std::vector<standing> made;
    for (index_t expert = 0; expert < experts.experts(); ++expert) {
      double sum = 0;
      std::uint64_t times = 0;
      for (index_t neuron : experts.expert(expert)) {
        sum += measured[neuron].sum;
        times += measured[neuron].times;
      }
      const std::string tokens = std::to_string(measured.tokens()) + " tokens";
      made.push_back({.value = sum,
                      .reason = times == 0 ? "seen 0 times in " + tokens
                                           : "sum of |h| " + short_number(sum) + " over " +
                                                 std::to_string(experts.size(expert)) + " neurons and " + tokens});
    }
    return made;
  }

private:
  const neuron_magnitudes* found_;
};

}  // namespace fissile
