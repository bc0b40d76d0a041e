// Experts that write to features which stand out are spared; those that write to them least go first.
//
// Outlier features are few and the model leans on them (LLM.int8(), Dettmers et al. 2022; massive activations, Sun et
// al. 2024), so an expert's part in them is a ground to keep it.
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/base/view.hpp>
#include <fissile/prune/judge.hpp>
#include <fissile/prune/short_number.hpp>

#include <cmath>
#include <utility>

namespace fissile {

/// standing = sum over the expert's neurons j and the outlier features f of |down[f][j]|.
///
///   spare_features{{ffn_0.down, ffn_1.down}, massive_activation{}.find(states), {"guide", 12000}}
template <element T>
class spare_features {
public:
  /// down: one matrix a layer, [width x neurons], borrowed. features: one list a layer, as outlier rules give them for
  /// the states that the layer writes to. from: the text they were found in.
  spare_features(std::vector<matrix_view<const T>> down, std::vector<std::vector<index_t>> features, evidence from = {})
      : down_(std::move(down)), features_(std::move(features)), from_(std::move(from)) {
    if (down_.size() != features_.size()) {
      fail<shape_error>({.argument = "spare_features: features",
                         .expected = std::to_string(down_.size()) + " lists, one a layer",
                         .got = std::to_string(features_.size())});
    }
    for (std::size_t layer = 0; layer < down_.size(); ++layer) {
      for (index_t feature : features_[layer]) {
        if (feature >= 0 && feature < down_[layer].rows()) continue;
        fail<shape_error>({.argument = "spare_features: features of layer " + std::to_string(layer),
                           .expected = "from 0 to " + std::to_string(down_[layer].rows() - 1),
                           .got = std::to_string(feature),
                           .cure = "down is [width x neurons]"});
      }
    }
  }

  std::string name() const { return "spare_features"; }
  evidence seen() const { return from_; }

  /// Throws setting_error for a layer that is not there, shape_error where the layer has other neurons.
  std::vector<standing> standings(index_t layer, const partition& experts) const {
    if (layer < 0 || layer >= length(down_)) {
      fail<setting_error>({.argument = "spare_features: layer",
                           .expected = "one of " + std::to_string(down_.size()) + " layers",
                           .got = std::to_string(layer)});
    }
    const matrix_view<const T> down = down_[to_size(layer)];
    const std::vector<index_t>& features = features_[to_size(layer)];
    if (down.columns() != experts.neurons()) {
      fail<shape_error>({.argument = "spare_features: down of layer " + std::to_string(layer),
                         .expected = std::to_string(experts.neurons()) + " columns, one a neuron",
                         .got = shape_of(down)});
    }
    std::vector<standing> made;
    for (index_t expert = 0; expert < experts.experts(); ++expert) {
      double sum = 0;
      for (index_t neuron : experts.expert(expert)) {
        for (index_t feature : features) sum += std::abs(widen<double>(down(feature, neuron)));
      }
      made.push_back({.value = sum,
                      .reason = "weights " + short_number(sum) + " on " + std::to_string(features.size()) +
                                (features.size() == 1 ? " outlier feature" : " outlier features")});
    }
    return made;
  }

private:
  std::vector<matrix_view<const T>> down_;      // [layers]
  std::vector<std::vector<index_t>> features_;  // [layers]
  evidence from_;
};

}  // namespace fissile
