// One capture feeds every statistic: a listener of the backward pass hands what it hears of a line to the counts of
// firing neurons, the magnitudes of hidden activations, the importance of components and the centroids of languages.
#pragma once

#include <engine/gradients.hpp>

#include <fissile/count/firing_rates.hpp>
#include <fissile/detect/neuron_magnitudes.hpp>
#include <fissile/partition/even_slices.hpp>
#include <fissile/recipes/fuxitranyu.hpp>

#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// What is kept of all languages; a language a label.
struct statistics {
  component_importance importance;
  language_centroids centroids;
  firing_rates firing;                        // of silu(gate . x)
  std::vector<neuron_magnitudes> magnitudes;  // [languages]: of hidden
};

inline statistics empty_statistics(const engine::architecture& sizes, const std::vector<std::string>& languages,
                                   const std::string& corpus) {
  const fuxitranyu::block_components components{.query = sizes.query_width(),
                                                .key = sizes.key_width(),
                                                .value = sizes.key_width(),
                                                .attention_output = sizes.width,
                                                .gate = sizes.neurons,
                                                .up = sizes.neurons,
                                                .hidden = sizes.neurons,
                                                .down = sizes.width};
  const std::vector<partition> whole(to_size(sizes.layers), even_slices{}.split(sizes.neurons, 1));
  return {.importance = component_importance{{languages, sizes.layers, components.shapes(), corpus}},
          .centroids = fuxitranyu::centroids(languages, sizes.layers, sizes.width, corpus),
          .firing = {std::vector<index_t>(to_size(sizes.layers), sizes.neurons), {languages, sizes.layers, corpus}},
          .magnitudes = std::vector<neuron_magnitudes>(languages.size(), neuron_magnitudes{whole, corpus})};
}

/// Hears the lines of one language. Several may feed the same statistics at the same time, each for a language of its
/// own: no number is shared between labels.
class language_capture {
public:
  language_capture(statistics& into, index_t language) : into_(&into), language_(language) {
    everything_.append({.expert = 0, .weight = 1});
  }

  /// The next line's tokens from `text_begin` on are text, not a begin token.
  void line_begin(index_t text_begin) noexcept { text_begin_ = text_begin; }

  void states(index_t layer, matrix_view<const float> residual) { into_->centroids.add(language_, layer, residual); }

  void heard(index_t layer, engine::component which, matrix_view<const float> outputs,
             matrix_view<const float> gradients) {
    const index_t scored = outputs.rows() - 1;  // the last token predicts nothing
    into_->importance.add(language_, {layer, engine::name_of(which)}, outputs.rows(0, scored),
                          gradients.rows(0, scored));
    const matrix_view<const float> of_text = outputs.rows(text_begin_, outputs.rows() - text_begin_);
    if (which == engine::component::gate) into_->firing.at(language_, layer).add(of_text);
    if (which != engine::component::hidden) return;
    neuron_observer watch = into_->magnitudes[to_size(language_)].at(layer);
    for (index_t token = 0; token < of_text.rows(); ++token) {
      watch.token(everything_);
      watch.expert(token, everything_[0], of_text.row(token));
    }
  }

private:
  statistics* into_;
  index_t language_;
  index_t text_begin_ = 0;
  route everything_{1};  // the layer as one expert, always on
};

}  // namespace fissile::unravel
