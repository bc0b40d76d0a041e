// Importance matrices as values of the library: what others have measured takes the place of a calibration run, and
// what we have measured goes into that format.
//
//   const imatrix seen = read_imatrix("model.imatrix.gguf");
//   by_importance{.importance = importance_of(seen, layer)}.split(ffn, 32);      the busiest neurons together
//   mask_of(weights, wanda{moments_of(seen, "blk.0.ffn_up.weight")}, n_of_m{2, 4});
//   expert_counts(seen, {.label = "en", .layers = 16});                          of a mixture: who worked how often
//
// An importance matrix knows sums over all tokens and no samples: here all of them are one sample. Scores compare the
// inputs of one matrix, or of matrices that read the same tokens, so that this factor changes no order.
#pragma once

#include <fissile/count/activation_counts.hpp>
#include <fissile/detect/input_moments.hpp>
#include <fissile/file/imatrix.hpp>

#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile {

/// "blk.3.ffn_down.weight"
inline std::string block_weight(index_t layer, std::string_view what) {
  return "blk." + std::to_string(layer) + "." + std::string{what} + ".weight";
}

/// Throws file_error that lists all of these layers that were not measured.
inline void require_entries(const imatrix& seen, const std::vector<std::string>& names) {
  std::string missing;
  for (const std::string& name : names) {
    if (seen.entries.count(name) == 0) missing += (missing.empty() ? "" : ", ") + name;
  }
  if (missing.empty()) return;
  fail<file_error>({.argument = "imatrix",
                    .expected = "sums of " + missing,
                    .got = "none of these among its " + std::to_string(seen.entries.size()) + " layers",
                    .cure = "it was measured with another model, or with too short texts"});
}

/// The names of its data sets, joined by " + ".
inline std::string corpus_of(const imatrix& seen) {
  std::string joined;
  for (const std::string& name : seen.datasets) joined += (joined.empty() ? "" : " + ") + name;
  return joined.empty() ? "an importance matrix" : joined;
}

namespace imatrix_detail {

/// A matrix of this name that saw tokens.
inline const imatrix_entry& seen_entry(const imatrix& seen, const std::string& name, index_t matrix) {
  require_entries(seen, {name});
  const imatrix_entry& entry = seen.at(name);
  const std::string argument = "imatrix: \"" + name + "\"";
  if (matrix < 0 || matrix >= entry.matrices()) {
    fail<setting_error>({.argument = argument,
                         .expected = "one of its " + std::to_string(entry.matrices()) + " matrices",
                         .got = std::to_string(matrix)});
  }
  if (!(entry.counts[to_size(matrix)] > 0)) {
    fail<file_error>({.argument = argument,
                      .expected = "tokens that matrix " + std::to_string(matrix) + " read",
                      .got = "none",
                      .cure = "measure longer texts: an expert that nothing chose tells nothing"});
  }
  return entry;
}

/// A count that is a whole number, as those of tokens are; below what sums of weights have room for.
inline std::uint64_t whole(double count, const std::string& name) {
  if (count == std::floor(count) && count < 0x1p39) return static_cast<std::uint64_t>(count);
  fail<file_error>({.argument = "imatrix: \"" + name + "\"",
                    .expected = "counts of tokens",
                    .got = std::to_string(count),
                    .cure = "a collector that weighs tokens tells no frequencies"});
}

}  // namespace imatrix_detail

/// What a calibration run would measure of the inputs of this layer, with all its tokens as one sample.
/// Throws file_error where it was not measured. matrix: the expert of a mixture.
inline input_moments moments_of(const imatrix& seen, const std::string& name, index_t matrix = 0) {
  const imatrix_entry& entry = imatrix_detail::seen_entry(seen, name, matrix);
  const auto first = entry.squares.begin() + matrix * entry.inputs;
  const double count = entry.counts[to_size(matrix)];
  if (!(count >= 0.5 && count < 0x1p53)) {
    fail<file_error>({.argument = "imatrix: \"" + name + "\"",
                      .expected = "at least one token, and fewer than 2^53",
                      .got = std::to_string(count)});
  }
  const auto tokens = static_cast<std::uint64_t>(std::llround(count));
  return {{.width = entry.inputs, .corpus = corpus_of(seen)}, {first, first + entry.inputs}, tokens};
}

/// The mean of h^2 of every neuron of a dense layer: the importance that `by_importance` splits by. [neurons]
/// Throws file_error where it was not measured.
inline std::vector<double> importance_of(const imatrix& seen, index_t layer) {
  return imatrix_detail::seen_entry(seen, block_weight(layer, "ffn_down"), 0).mean_squares();
}

struct expert_counts_settings {
  std::string label = "text";  // what all of it counts as: an importance matrix knows no languages
  index_t layers = 1;
  index_t first_layer = 0;  // of the model: the counts' layer 0, behind dense ones
};

/// How often each expert of a mixture was chosen, from the counts of its down matrix, of the tokens that the router
/// read. At weight 1. The format's floats are exact up to 2^24 tokens.
/// Throws file_error that lists layers which were not measured, and for counts that are no whole numbers.
inline activation_counts expert_counts(const imatrix& seen, const expert_counts_settings& asked) {
  std::vector<std::string> names;
  for (index_t layer = asked.first_layer; layer < asked.first_layer + asked.layers; ++layer) {
    names.push_back(block_weight(layer, "ffn_gate_inp"));
    names.push_back(block_weight(layer, "ffn_down_exps"));
  }
  require_entries(seen, names);
  std::vector<partition> splits;  // of as many neurons as experts: counts know no more of a split
  for (std::size_t i = 1; i < names.size(); i += 2) {
    const index_t experts = seen.at(names[i]).matrices();
    splits.emplace_back(cut_evenly(ascending(experts), experts, "expert_counts"));
  }
  activation_counts made{splits, {.labels = {asked.label}, .layers = asked.layers, .corpus = corpus_of(seen)}};
  for (index_t layer = 0; layer < asked.layers; ++layer) {
    const std::string &router = names[to_size(2 * layer)], &down = names[to_size(2 * layer + 1)];
    layer_counts counts = made.of(0, layer);
    counts.tokens = imatrix_detail::whole(imatrix_detail::seen_entry(seen, router, 0).counts[0], router);
    for (std::size_t e = 0; e < counts.uses.size(); ++e) {
      counts.uses[e] = imatrix_detail::whole(seen.at(down).counts[e], down);
      counts.weights[e] = static_cast<std::int64_t>(static_cast<double>(counts.uses[e]) / layer_counts::step);
    }
    made.set(0, layer, std::move(counts));
  }
  return made;
}

/// Ours in that format: sums of squares and positions; what samples they came in is lost.
inline imatrix_entry entry_of(const input_moments& measured) {
  imatrix_entry made{.inputs = measured.width(),
                     .squares = measured.mean_squares(),
                     .counts = {static_cast<double>(measured.read().positions())}};
  for (double& square : made.squares) square *= static_cast<double>(measured.read().samples());
  return made;
}

}  // namespace fissile
