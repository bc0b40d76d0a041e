// A verdict: which experts of which layers stay and which go, each with its reason.
//
// Deciding and acting are separate: `decide` writes a verdict, people and programs read, save and change it, `apply`
// carries it out.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace fissile {

enum class fate { keep, remove };

/// What is to become of one expert, and why.
struct ruling {
  fate what = fate::keep;
  std::string reason = {};  // "frequency 0.0031 of 12000 tokens in de: 41st of 48"
  friend bool operator==(const ruling&, const ruling&) = default;
};

/// Plain data: every member may be changed by hand.
struct verdict {
  std::string judge = {};                        // who gave each expert its standing: "keep_busiest(de)"
  std::string budget = {};                       // who said how many go: "uniform(0.25)"
  double rate = 0;                               // the share of experts asked for, in [0, 1)
  std::string corpus = {};                       // the text that was judged on; what is pruned is never scored on it
  std::uint64_t tokens = 0;                      // how many tokens of it were seen; 0 where the judge looks at none
  std::vector<std::vector<ruling>> layers = {};  // [layers][experts of the layer]

  index_t experts(index_t layer) const noexcept {
    Expects(layer >= 0 && layer < length(layers));
    return length(layers[to_size(layer)]);
  }
  /// The experts of a layer that stay, ascending.
  std::vector<index_t> kept(index_t layer) const { return those(layer, fate::keep); }
  /// The experts of a layer that go, ascending.
  std::vector<index_t> removed(index_t layer) const { return those(layer, fate::remove); }
  index_t removed_count(index_t layer) const noexcept {
    Expects(layer >= 0 && layer < length(layers));
    index_t count = 0;
    for (const ruling& one : layers[to_size(layer)]) count += one.what == fate::remove ? 1 : 0;
    return count;
  }
  /// Of all layers.
  index_t removed_count() const noexcept {
    index_t count = 0;
    for (index_t layer = 0; layer < length(layers); ++layer) count += removed_count(layer);
    return count;
  }

  friend bool operator==(const verdict&, const verdict&) = default;

private:
  std::vector<index_t> those(index_t layer, fate what) const {
    std::vector<index_t> found;
    for (index_t expert = 0; expert < experts(layer); ++expert) {
      if (layers[to_size(layer)][to_size(expert)].what == what) found.push_back(expert);
    }
    return found;
  }
};

/// A line for the whole, one for each layer and one for each expert that goes.
inline std::string to_string(const verdict& decided) {
  std::string text = decided.judge + " under " + decided.budget;
  if (decided.tokens > 0) {
    text += ", judged on " + std::to_string(decided.tokens) + " tokens";
    if (!decided.corpus.empty()) text += " of " + decided.corpus;
  }
  text += "\n";
  for (index_t layer = 0; layer < length(decided.layers); ++layer) {
    text += "layer " + std::to_string(layer) + ": " + std::to_string(decided.removed_count(layer)) + " of " +
            std::to_string(decided.experts(layer)) + " experts go\n";
    for (index_t expert : decided.removed(layer)) {
      text +=
          "  expert " + std::to_string(expert) + ": " + decided.layers[to_size(layer)][to_size(expert)].reason + "\n";
    }
  }
  return text;
}

}  // namespace fissile
