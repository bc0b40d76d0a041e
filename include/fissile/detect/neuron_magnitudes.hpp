// How strongly each neuron works while its expert runs: |h| summed, h^2 summed, and the largest |h|.
//
//   neuron_magnitudes found{splits, "guide"};
//   run(tokens, work, out, found.at(layer));
#pragma once

#include <fissile/count/corpus_names.hpp>
#include <fissile/partition/partition.hpp>
#include <fissile/route/route.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

/// What is kept of one neuron, over the tokens whose route ran its expert. h is the activation before the route's
/// weight. Means are not kept: divide by `times`.
struct neuron_sums {
  std::uint64_t times = 0;  // how often the neuron was run
  double sum = 0;           // of |h|
  double squares = 0;       // of h^2
  float peak = 0;           // the largest |h|
  friend bool operator==(const neuron_sums&, const neuron_sums&) = default;
};

/// The neurons of one layer, by their stored number; it is itself an observer, and allocates nothing.
class layer_neurons {
public:
  explicit layer_neurons(partition split) : split_(std::move(split)), sums_(to_size(split_.neurons())) {}

  const partition& split() const noexcept { return split_; }
  index_t neurons() const noexcept { return length(sums_); }
  const neuron_sums& operator[](index_t neuron) const noexcept {
    Expects(neuron >= 0 && neuron < neurons());
    return sums_[to_size(neuron)];
  }
  std::uint64_t tokens() const noexcept { return tokens_; }
  /// Activations that were NaN or infinite: they count in `times` and add nothing else.
  std::uint64_t undefined() const noexcept { return undefined_; }

  void token(const route&) noexcept { ++tokens_; }
  void expert(index_t, choice chosen, vector_view<const float> hidden) noexcept {
    Expects(chosen.expert >= 0 && chosen.expert < split_.experts() && hidden.length() == split_.size(chosen.expert));
    const vector_view<const index_t> neurons = split_.expert(chosen.expert);
    for (index_t j = 0; j < hidden.length(); ++j) {
      neuron_sums& found = sums_[to_size(neurons[j])];
      const float magnitude = std::abs(hidden[j]);
      ++found.times;
      if (!std::isfinite(magnitude)) {
        ++undefined_;
        continue;
      }
      found.sum += static_cast<double>(magnitude);
      found.squares += static_cast<double>(magnitude) * static_cast<double>(magnitude);
      found.peak = std::max(found.peak, magnitude);
    }
  }

  /// Adds what was seen of other tokens; needs the same split. Counts are exact, sums good to 1e-12, in any order.
  void merge(const layer_neurons& other) noexcept {
    Expects(split_ == other.split_);
    tokens_ += other.tokens_;
    undefined_ += other.undefined_;
    for (std::size_t neuron = 0; neuron < sums_.size(); ++neuron) {
      neuron_sums& mine = sums_[neuron];
      const neuron_sums& more = other.sums_[neuron];
      mine.times += more.times;
      mine.sum += more.sum;
      mine.squares += more.squares;
      mine.peak = std::max(mine.peak, more.peak);
    }
  }

  friend bool operator==(const layer_neurons&, const layer_neurons&) = default;

private:
  partition split_;
  std::vector<neuron_sums> sums_;  // [neurons]
  std::uint64_t tokens_ = 0;
  std::uint64_t undefined_ = 0;
};

/// The observer of one layer: a pointer to copy as one likes. One thread a layer at a time.
class neuron_observer {
public:
  explicit neuron_observer(layer_neurons& into) noexcept : into_(&into) {}
  void token(const route& chosen) noexcept { into_->token(chosen); }
  void expert(index_t token, choice chosen, vector_view<const float> hidden) noexcept {
    into_->expert(token, chosen, hidden);
  }

private:
  layer_neurons* into_;
};

/// Plain data for all layers: compare it, merge it. A layer that is not there is refused with setting_error.
class neuron_magnitudes {
public:
  /// `splits`: one partition a layer, at least one. `corpus`: where the tokens come from.
  explicit neuron_magnitudes(const std::vector<partition>& splits, std::string corpus = {})
      : layers_(splits.begin(), splits.end()), corpora_(std::move(corpus)) {
    if (splits.empty()) {
      fail<setting_error>(
          {.argument = "neuron_magnitudes: splits", .expected = "at least one, one a layer", .got = "none"});
    }
  }

  index_t layers() const noexcept { return length(layers_); }
  std::string corpus() const { return corpora_.joined(); }
  const layer_neurons& of(index_t layer) const { return layers_[place(layer)]; }
  /// Must not be used after this ends, or is assigned to.
  neuron_observer at(index_t layer) { return neuron_observer{layers_[place(layer)]}; }

  /// Throws shape_error where the layers are split otherwise; then nothing has changed.
  void merge(const neuron_magnitudes& other) {
    bool alike = layers() == other.layers();
    for (index_t layer = 0; alike && layer < layers(); ++layer) alike = of(layer).split() == other.of(layer).split();
    if (!alike) {
      fail<shape_error>({.argument = "neuron_magnitudes::merge",
                         .expected = std::to_string(layers()) + " layers, split alike",
                         .got = std::to_string(other.layers()) + " layers, or another split"});
    }
    for (index_t layer = 0; layer < layers(); ++layer) layers_[to_size(layer)].merge(other.of(layer));
    corpora_.merge(other.corpora_);
  }

  friend bool operator==(const neuron_magnitudes&, const neuron_magnitudes&) = default;

private:
  std::size_t place(index_t layer) const {
    if (layer >= 0 && layer < layers()) return to_size(layer);
    fail<setting_error>({.argument = "neuron_magnitudes: layer",
                         .expected = "from 0 to " + std::to_string(layers() - 1),
                         .got = std::to_string(layer)});
  }

  std::vector<layer_neurons> layers_;
  corpus_names corpora_;
};

}  // namespace fissile
