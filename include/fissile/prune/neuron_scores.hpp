// Scores of weights, summed to neurons: the evidence that masks weights, made into evidence that really removes.
#pragma once

#include <fissile/prune/short_number.hpp>
#include <fissile/prune/weight_score.hpp>
#include <fissile/weights/ffn_weights.hpp>

#include <cmath>
#include <utility>

namespace fissile {

/// Plain data: what the weights of each neuron score together.
struct neuron_scores {
  std::string score = {};                        // how weights were scored: "wanda(guide)"
  std::vector<std::vector<double>> layers = {};  // [layers][neurons]
  evidence from = {};                            // the text behind it
};

/// One layer's: for every neuron the sum over its row of gate, its row of up and its column of down. on_input scores
/// the weights of gate and up, on_hidden those of down, as Wanda's with the means of their own inputs do. Summing is
/// ours; weight scores are published for single weights. Throws shape_error where a score does not fit. [neurons]
template <element T, weight_score OnInput, weight_score OnHidden>
std::vector<double> score_neurons(const ffn_weights<T>& ffn, const OnInput& on_input, const OnHidden& on_hidden) {
  check_shapes(ffn, "score_neurons");
  std::vector<double> sums(to_size(ffn.neurons()), 0.0);
  const auto add_row = [&](index_t neuron, vector_view<const double> scores) {
    for (double score : scores) sums[to_size(neuron)] += score;
  };
  if (ffn.gated()) score_rows(ffn.gate, on_input, add_row);
  score_rows(ffn.up, on_input, add_row);
  score_rows(ffn.down, on_hidden, [&](index_t, vector_view<const double> scores) {
    for (index_t neuron = 0; neuron < scores.length(); ++neuron) sums[to_size(neuron)] += scores[neuron];
  });
  return sums;
}

/// The judge: standing = sum over the expert's neurons of their scores, so that a larger expert stands higher for its
/// size. A neuron at a time is pruned with experts of one neuron each.
class keep_highest {
public:
  explicit keep_highest(neuron_scores scores) : scores_(std::move(scores)) {}

  std::string name() const { return "keep_highest(" + scores_.score + ")"; }
  evidence seen() const { return scores_.from; }

  /// Throws setting_error for a layer that is not there, shape_error where the layer has other neurons.
  std::vector<standing> standings(index_t layer, const partition& experts) const {
    if (layer < 0 || layer >= length(scores_.layers)) {
      fail<setting_error>({.argument = "keep_highest: layer",
                           .expected = "one of " + std::to_string(scores_.layers.size()) + " layers",
                           .got = std::to_string(layer)});
    }
    const std::vector<double>& neurons = scores_.layers[to_size(layer)];
    if (length(neurons) != experts.neurons()) {
      fail<shape_error>({.argument = "keep_highest: scores of layer " + std::to_string(layer),
                         .expected = std::to_string(experts.neurons()) + " neurons",
                         .got = std::to_string(neurons.size())});
    }
    std::vector<standing> made;
    for (index_t expert = 0; expert < experts.experts(); ++expert) {
      double sum = 0;
      for (index_t neuron : experts.expert(expert)) sum += neurons[to_size(neuron)];
      made.push_back({.value = sum,
                      .reason = scores_.score + " " + short_number(sum) + " over " +
                                std::to_string(experts.size(expert)) +
                                (experts.size(expert) == 1 ? " neuron" : " neurons")});
    }
    return made;
  }

private:
  neuron_scores scores_;
};

}  // namespace fissile
