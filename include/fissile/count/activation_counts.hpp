// Which experts work for which language: counts by (label, layer, expert), as one mergeable value.
//
// The counting of Liu et al. 2024 ("Unraveling Babel", EMNLP): frequency = tokens that chose the expert / tokens seen,
// for each label (a language or domain of the text) and layer. Counts are kept, never means, so that the counts of
// several threads, files and machines add up exactly.
//
//   activation_counts counts{experts, {.labels = {"en", "de"}, .layers = 4, .corpus = "guide"}};
//   run(tokens, work, out, counts.at("en", layer));
//   counts.frequency("en", layer, expert);
#pragma once

#include <fissile/count/counts_table.hpp>
#include <fissile/count/layer_counts.hpp>

namespace fissile {

/// Plain data: print it, save it (fissile/file/counts_json.hpp), compare it, merge it. A label is given by its name or
/// its place; one that is not there, or such a layer, is refused with setting_error; such an expert breaks a contract.
class activation_counts : public counts_table<activation_counts, layer_counts> {
public:
  using counts_table::counts_table;

  /// Tokens that chose the expert.
  std::uint64_t uses(label_key label, index_t layer, index_t expert) const {
    return of(label, layer).uses[to_size(checked(expert, layer))];
  }
  /// The sum of the weights it was chosen with.
  double weight(label_key label, index_t layer, index_t expert) const {
    return of(label, layer).weight(checked(expert, layer));
  }
  /// Tokens that chose it, of all tokens seen; 0 where none was seen.
  double frequency(label_key label, index_t layer, index_t expert) const {
    return of(label, layer).frequency(checked(expert, layer));
  }

  friend bool operator==(const activation_counts&, const activation_counts&) = default;

private:
  index_t checked(index_t expert, index_t layer) const {
    Expects(expert >= 0 && expert < experts(layer));
    return expert;
  }
};

/// What `activation_counts::at` gives: the observer of one label and layer.
using route_counter = cell_counter<layer_counts>;

}  // namespace fissile
