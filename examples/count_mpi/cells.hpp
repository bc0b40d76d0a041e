// Counts as a flat row of whole numbers, for those who send them: what is merged there is merged as layer_counts are.
#pragma once

#include <fissile/count/activation_counts.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

namespace fissile::count_mpi {

/// A cell is what one label and layer counted: tokens, empty routes, undefined scores, saturations, then the uses of
/// each expert, then their weights.
inline index_t words_of_cell(index_t experts) noexcept {
  return 4 + 2 * experts;
}

inline void write_cell(const layer_counts& from, std::uint64_t* words) noexcept {
  words[0] = from.tokens;
  words[1] = from.empty_routes;
  words[2] = from.undefined_scores;
  words[3] = from.saturations;
  words = std::copy(from.uses.begin(), from.uses.end(), words + 4);
  std::transform(from.weights.begin(), from.weights.end(), words,
                 [](std::int64_t weight) { return std::bit_cast<std::uint64_t>(weight); });
}

/// into: with the experts that the cell has.
inline void read_cell(const std::uint64_t* words, layer_counts& into) noexcept {
  into.tokens = words[0];
  into.empty_routes = words[1];
  into.undefined_scores = words[2];
  into.saturations = words[3];
  std::copy_n(words + 4, into.uses.size(), into.uses.begin());
  std::transform(words + 4 + into.experts(), words + words_of_cell(into.experts()), into.weights.begin(),
                 [](std::uint64_t word) { return std::bit_cast<std::int64_t>(word); });
}

// [merge]
/// into += from, cell by cell: exact, so that no order of merging changes a bit.
inline void merge_cells(const std::uint64_t* from, std::uint64_t* into, index_t cells, index_t words) {
  const index_t experts = (words - 4) / 2;
  layer_counts sum{partition{cut_evenly(ascending(experts), experts, "cells")}}, part = sum;
  for (index_t cell = 0; cell < cells; ++cell, from += words, into += words) {
    read_cell(into, sum);
    read_cell(from, part);
    sum.merge(part);
    write_cell(sum, into);
  }
}
// [merge]

/// All cells, labels outermost; every layer must have as many experts as the first.
inline std::vector<std::uint64_t> to_words(const activation_counts& counts) {
  const index_t each = words_of_cell(counts.experts(0));
  std::vector<std::uint64_t> words(counts.labels().size() * to_size(counts.layers() * each));
  std::uint64_t* cell = words.data();
  for (std::size_t label = 0; label < counts.labels().size(); ++label) {
    for (index_t layer = 0; layer < counts.layers(); ++layer, cell += each) {
      Expects(counts.experts(layer) == counts.experts(0));
      write_cell(counts.of(static_cast<index_t>(label), layer), cell);
    }
  }
  return words;
}

/// What `to_words` wrote, into counts of the same shape.
inline void from_words(const std::vector<std::uint64_t>& words, activation_counts& counts) {
  const std::uint64_t* cell = words.data();
  for (std::size_t label = 0; label < counts.labels().size(); ++label) {
    for (index_t layer = 0; layer < counts.layers(); ++layer, cell += words_of_cell(counts.experts(0))) {
      layer_counts read = counts.of(static_cast<index_t>(label), layer);
      read_cell(cell, read);
      counts.set(static_cast<index_t>(label), layer, std::move(read));
    }
  }
}

}  // namespace fissile::count_mpi
