// How loud each expert is where a router chose it: the norm of its output, alone and times the router's weight.
//
// What router-weighted expert activation pruning judges experts by (REAP, Lasby et al. 2025, arXiv 2510.13999): mean,
// over the tokens x that chose expert e, of weight_e(x) * || f_e(x) ||_2, with f_e(x) = down_e . hidden_e(x).
//
//   expert_norms found{{32, 32}, "guide"};
//   run(tokens, work, out, found.at(layer, storage));     storage: what `run` was built over
#pragma once

#include <fissile/count/corpus_names.hpp>
#include <fissile/partition/borrowed_experts.hpp>
#include <fissile/route/route.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

/// What is kept of one expert, over the tokens that chose it. Means are not kept: divide by `times`.
struct expert_norm_sums {
  std::uint64_t times = 0;
  double norms = 0;     // of || f_e(x) ||_2
  double weighted = 0;  // of weight * || f_e(x) ||_2
  friend bool operator==(const expert_norm_sums&, const expert_norm_sums&) = default;
};

/// The experts of one layer. Norms that are NaN or infinite count in `times` and `undefined` and add nothing else.
struct layer_expert_norms {
  std::vector<expert_norm_sums> experts = {};
  std::uint64_t tokens = 0;
  std::uint64_t undefined = 0;

  void add(choice chosen, double norm) noexcept {
    Expects(chosen.expert >= 0 && chosen.expert < length(experts));
    expert_norm_sums& sums = experts[to_size(chosen.expert)];
    ++sums.times;
    const double weighted = static_cast<double>(chosen.weight) * norm;
    if (!std::isfinite(weighted) || !std::isfinite(norm)) {
      ++undefined;
      return;
    }
    sums.norms += norm;
    sums.weighted += weighted;
  }
  friend bool operator==(const layer_expert_norms&, const layer_expert_norms&) = default;
};

/// The observer of one layer. Outputs are computed anew from the hidden activations that observers are told, in double,
/// without down_bias: it costs what running the experts' second half costs. Storage: the weights that ran, borrowed.
template <expert_storage Storage>
class expert_norm_observer {
public:
  expert_norm_observer(const Storage& storage, layer_expert_norms& into) noexcept : storage_(&storage), into_(&into) {}

  void token(const route&) noexcept { ++into_->tokens; }
  void expert(index_t, choice chosen, vector_view<const float> hidden) noexcept {
    using element_type = typename Storage::element_type;
    const expert_view<element_type> ran = storage_->expert(chosen.expert);
    Expects(hidden.length() == ran.neurons.length());
    double squares = 0;
    for (index_t i = 0; i < storage_->width(); ++i) {
      const element_type* down = ran.ffn.down.row(i).data();
      double sum = 0;
      for (index_t j = 0; j < hidden.length(); ++j) {
        sum += widen<double>(down[ran.neurons[j]]) * static_cast<double>(hidden[j]);
      }
      squares += sum * sum;
    }
    into_->add(chosen, std::sqrt(squares));
  }

private:
  const Storage* storage_;
  layer_expert_norms* into_;
};

/// Plain data for all layers. A layer that is not there is refused with setting_error.
class expert_norms {
public:
  /// `experts`: how many each layer has. `corpus`: where the tokens come from.
  explicit expert_norms(const std::vector<index_t>& experts, std::string corpus = {}) : corpora_(std::move(corpus)) {
    for (index_t count : experts) {
      if (count < 1) {
        fail<setting_error>(
            {.argument = "expert_norms: experts", .expected = "at least 1 a layer", .got = std::to_string(count)});
      }
      layers_.push_back({.experts = std::vector<expert_norm_sums>(to_size(count))});
    }
    if (layers_.empty()) {
      fail<setting_error>(
          {.argument = "expert_norms: experts", .expected = "at least one number, one a layer", .got = "none"});
    }
  }

  index_t layers() const noexcept { return length(layers_); }
  std::string corpus() const { return corpora_.joined(); }
  const layer_expert_norms& of(index_t layer) const { return layers_[place(layer)]; }
  /// Must not be used after this or the storage ends. Throws shape_error where the storage has other experts.
  template <expert_storage Storage>
  expert_norm_observer<Storage> at(index_t layer, const Storage& storage) {
    layer_expert_norms& into = layers_[place(layer)];
    if (storage.experts().experts() != length(into.experts)) {
      fail<shape_error>({.argument = "expert_norms: layer " + std::to_string(layer),
                         .expected = std::to_string(into.experts.size()) + " experts",
                         .got = std::to_string(storage.experts().experts())});
    }
    return {storage, into};
  }
  template <expert_storage Storage>
  expert_norm_observer<Storage> at(index_t layer, const Storage&& storage) = delete;

  /// Adds what was seen of other tokens: counts exactly, sums to 1e-12, in any order.
  /// Throws shape_error for other layers or experts; then nothing has changed.
  void merge(const expert_norms& other);

  friend bool operator==(const expert_norms&, const expert_norms&) = default;

private:
  std::size_t place(index_t layer) const {
    if (layer >= 0 && layer < layers()) return to_size(layer);
    fail<setting_error>({.argument = "expert_norms: layer",
                         .expected = "from 0 to " + std::to_string(layers() - 1),
                         .got = std::to_string(layer)});
  }

  std::vector<layer_expert_norms> layers_;
  corpus_names corpora_;
};

inline void expert_norms::merge(const expert_norms& other) {
  bool alike = layers() == other.layers();
  for (std::size_t layer = 0; alike && layer < layers_.size(); ++layer) {
    alike = layers_[layer].experts.size() == other.layers_[layer].experts.size();
  }
  if (!alike) {
    fail<shape_error>({.argument = "expert_norms::merge",
                       .expected = std::to_string(layers()) + " layers with as many experts each",
                       .got = std::to_string(other.layers()) + " layers, or other experts"});
  }
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    layer_expert_norms& mine = layers_[layer];
    const layer_expert_norms& more = other.layers_[layer];
    mine.tokens += more.tokens;
    mine.undefined += more.undefined;
    for (std::size_t e = 0; e < mine.experts.size(); ++e) {
      mine.experts[e].times += more.experts[e].times;
      mine.experts[e].norms += more.experts[e].norms;
      mine.experts[e].weighted += more.experts[e].weighted;
    }
  }
  corpora_.merge(other.corpora_);
}

}  // namespace fissile
