// FuxiTranyu's analyses (Sun et al., EMNLP 2024 industry track, arXiv 2408.06273, section 6): how much a model's
// neurons, components and layers matter for each language, and how alike the languages lie in each layer. In the order
// of the paper:
//
//   (a) Phi(i)     = | L(h_i = 0) - L |,  a forward pass a neuron          fuxitranyu::exact_importance
//   (b) Phi(i)     ~ | dL/dh_i h_i |,  one backward pass for all           component_importance::add
//   (c) Phi(alpha) = sum over i in alpha of Phi(i)                         fuxitranyu::layer_scores, attention_share
//   (d) v_l[k]     = mean over sentences of the last token's state         fuxitranyu::centroids
//   (e) sim_k      = cosine(v_l1[k], v_l2[k])                              language_centroids::cosines
//   (f) mean over pairs of languages, layer by layer                       fuxitranyu::similarity_curve
//
// That (b) stands for (a) is not shown there; `agreement` measures it. The gradients are the caller's. What the paper
// leaves open is a named choice, marked as ours.
#pragma once

#include <fissile/count/stability.hpp>
#include <fissile/detect/component_importance.hpp>
#include <fissile/detect/language_centroids.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile::fuxitranyu {

/// Both ours; that sums are not divided by tokens is read off the paper's figures.
struct choices {
  importance_reading reading = {};           // (b) from tokens to one number
  own_pairs diagonal = own_pairs::left_out;  // (f)
};

/// (a) What each neuron's silence does to the loss of a text. `loss`: as the model is; `loss_without(i)`: with neuron i
/// at 0 for all tokens of the text.
template <class LossWithout>
std::vector<double> exact_importance(double loss, const std::vector<index_t>& neurons,
                                     const LossWithout& loss_without) {
  std::vector<double> scores;
  for (const index_t neuron : neurons) scores.push_back(std::abs(loss_without(neuron) - loss));
  return scores;
}

/// (a, b) The reading of the same text that the silence of a neuron is compared with: all its tokens change at once, so
/// that their changes are added before the magnitude is taken.
inline constexpr importance_reading of_whole_text{.how = summed_by::total, .by = importance_reading::scale::sum};

/// How well scores by gradient stand for exact ones.
struct taylor_agreement {
  double spearman = 0;        // of the ranks, -1 to 1, equal scores share one; NaN where one of the two does not vary
  double relative_error = 0;  // sum |taylor - exact| / sum exact: 0 where the loss is linear in each neuron
  index_t neurons = 0;        // that were compared
  index_t undefined = 0;      // left out, since one of the two is NaN or infinite
};
/// (a, b) Throws shape_error for lists of different length.
inline taylor_agreement agreement(const std::vector<double>& taylor, const std::vector<double>& exact) {
  if (taylor.size() != exact.size()) {
    fail<shape_error>({.argument = "fuxitranyu::agreement",
                       .expected = std::to_string(exact.size()) + " scores by gradient, one for each exact one",
                       .got = std::to_string(taylor.size())});
  }
  std::vector<double> a, b;
  double apart = 0, all = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    if (!std::isfinite(taylor[i]) || !std::isfinite(exact[i])) continue;
    a.push_back(taylor[i]);
    b.push_back(exact[i]);
    apart += std::abs(taylor[i] - exact[i]);
    all += exact[i];
  }
  return {.spearman = pearson(ranks(a), ranks(b)),
          .relative_error = apart == 0 ? 0 : apart / all,
          .neurons = length(a),
          .undefined = length(exact) - length(a)};
}

/// (c) The outputs of a block's components. The paper has eight and does not name them: these are ours. 0: the block
/// has none, as there is no gate in FuxiTranyu itself.
struct block_components {
  index_t query = 0, key = 0, value = 0;  // what the projections put out, before rotation
  index_t attention_output = 0;           // what attention adds to the residual stream
  index_t gate = 0, up = 0;               // of the FFN, before the activation
  index_t hidden = 0;                     // what down is fed with: the FFN's neurons
  index_t down = 0;                       // what the FFN adds to the residual stream

  std::vector<component_shape> shapes() const {
    std::vector<component_shape> found;
    for (const auto& [name, neurons] : {std::pair{"query", query},
                                        {"key", key},
                                        {"value", value},
                                        {"attention_output", attention_output},
                                        {"gate", gate},
                                        {"up", up},
                                        {"hidden", hidden},
                                        {"down", down}}) {
      if (neurons > 0) found.push_back({name, neurons});
    }
    return found;
  }
};

/// (c) Phi of every layer for every label. [labels x layers]
inline std::vector<std::vector<double>> layer_scores(const component_importance& found, const choices& chosen = {}) {
  std::vector<std::vector<double>> table(found.labels().size());
  for (std::size_t label = 0; label < table.size(); ++label) {
    for (index_t layer = 0; layer < found.layers(); ++layer) {
      table[label].push_back(found.of_layer(label, layer, chosen.reading));
    }
  }
  return table;
}

/// (c) What attention has of a layer's importance, from 0 to 1: the four components that are named for it above, of
/// all that were named. NaN where the layer has none.
inline double attention_share(const component_importance& found, label_key label, index_t layer,
                              const choices& chosen = {}) {
  constexpr std::array<std::string_view, 4> attention{"query", "key", "value", "attention_output"};
  double sum = 0;
  for (const component_shape& one : found.components()) {
    const bool counts = std::find(attention.begin(), attention.end(), one.name) != attention.end();
    if (counts) sum += found.of_component(label, {layer, one.name}, chosen.reading);
  }
  const double all = found.of_layer(label, layer, chosen.reading);
  return all > 0 ? sum / all : std::numeric_limits<double>::quiet_NaN();
}

/// (d) Empty, to be fed sentence by sentence: layer 0 with what the embedding puts out, layer k with what
/// block k - 1 does, counted from 0.
inline language_centroids centroids(std::vector<std::string> labels, index_t blocks, index_t width,
                                    std::string corpus) {
  return language_centroids{
      {.labels = std::move(labels), .layers = blocks + 1, .width = width, .corpus = std::move(corpus)}};
}

/// (e) The layer that is drawn language by language; which one is the middle is ours.
inline index_t middle_layer(const language_centroids& found) noexcept {
  return found.layers() / 2;
}

/// (f) [layers]
inline std::vector<double> similarity_curve(const language_centroids& found, const choices& chosen = {}) {
  std::vector<double> curve;
  for (index_t layer = 0; layer < found.layers(); ++layer) curve.push_back(found.mean_cosine(layer, chosen.diagonal));
  return curve;
}

}  // namespace fissile::fuxitranyu
