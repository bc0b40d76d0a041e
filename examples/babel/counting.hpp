// Counting: one pass of the dense model over each language serves every way of splitting and scoring.
#pragma once

#include "hidden_gate.hpp"
#include "subject.hpp"

#include <fissile/detect/neuron_magnitudes.hpp>

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace fissile::babel_study {

/// How a model is seen as a mixture.
struct view_kind {
  std::string split = "even";  // even, clusters or coactivation
  index_t expert_neurons = 16;
  score_kind score = {};
  friend bool operator==(const view_kind&, const view_kind&) = default;

  std::string name() const { return split + ", " + std::to_string(expert_neurons) + ", " + name_of(score); }
  babel::choices chosen(double given_up = 0.25) const {
    return {.expert_neurons = expert_neurons, .given_up = given_up};
  }
};

/// What was counted in one view, by language; apart, every other block of each.
struct counted_view {
  view_kind kind;
  std::vector<partition> splits;  // [layers]
  activation_counts all, half;    // labels are the codes of `languages`

  counted_view(view_kind seen, std::vector<partition> layers)
      : kind(std::move(seen)), splits(std::move(layers)), all(empty(splits)), half(all) {}
  activation_counts other_half() const { return all.since(half); }

private:
  static activation_counts empty(const std::vector<partition>& splits) {
    std::vector<std::string> labels;
    for (const language& one : languages) labels.emplace_back(one.code);
    return {splits,
            {.labels = labels, .layers = length(splits), .corpus = "Debian installation guide, held-out pages"}};
  }
};

struct counted_model {
  std::deque<counted_view> views;               // pointers into it stay good
  std::vector<std::vector<double>> magnitudes;  // [languages][layers]: mean |h|

  const counted_view& of(const view_kind& kind) const {
    for (const counted_view& one : views) {
      if (one.kind == kind) return one;
    }
    fail<setting_error>({.argument = "counts", .expected = "a view that was counted", .got = kind.name()});
  }
};

enum class block_half { first, second };

/// Looks at each token of one language and counts its routes in every view.
class counting_look {
public:
  counting_look(const subject& model, counted_model& into) : into_(&into) {
    for (counted_view& view : into.views) {
      for (index_t layer = 0; layer < length(view.splits); ++layer) {
        const partition& split = view.splits[to_size(layer)];
        gates_.emplace_back(model.weights().ffn(layer), split, view.kind.score, view.kind.chosen(),
                            ascending(split.experts()));
      }
    }
    sums_.assign(to_size(model.weights().sizes().layers), 0.0);
  }

  void start(index_t language, block_half half) {
    language_ = language;
    half_ = half;
  }
  void operator()(index_t layer, vector_view<const float> hidden) {
    const index_t layers = length(sums_);
    for (index_t view = 0; view < length(into_->views); ++view) {
      const route& chosen = gates_[to_size(view * layers + layer)](hidden);
      counted_view& counts = into_->views[to_size(view)];
      counts.all.at(language_, layer).token(chosen);
      if (half_ == block_half::first) counts.half.at(language_, layer).token(chosen);
    }
    for (index_t j = 0; j < hidden.length(); ++j) sums_[to_size(layer)] += static_cast<double>(std::abs(hidden[j]));
    if (layer == 0) neurons_ += static_cast<double>(hidden.length());
  }
  /// Mean |h| by layer since the last call of this.
  std::vector<double> take_magnitudes() {
    std::vector<double> mean;
    for (double& sum : sums_) mean.push_back(std::exchange(sum, 0.0) / neurons_);
    neurons_ = 0;
    return mean;
  }

private:
  counted_model* into_;
  std::vector<hidden_gate> gates_;  // [views x layers]
  std::vector<double> sums_;        // [layers]
  double neurons_ = 0;              // of all tokens so far
  index_t language_ = 0;
  block_half half_ = block_half::first;
};

inline void count_languages(subject& model, const std::vector<language_text>& texts, counted_model& into) {
  counting_look look{model, into};
  unravel::progress told{"counting " + model.name(), length(languages), unravel::style_of_stderr()};
  for (index_t language = 0; language < length(languages); ++language) {
    const auto& blocks = texts[to_size(language)].counted;
    for (std::size_t block = 0; block < blocks.size(); ++block) {
      look.start(language, block % 2 == 0 ? block_half::first : block_half::second);
      model.read(blocks[block], look);
    }
    into.magnitudes.push_back(look.take_magnitudes());
    told.piece_done();
  }
}

}  // namespace fissile::babel_study
