// What a byte-level model could tell languages apart by without knowing any: how often each byte comes, or each pair.
//
// Counted as if a byte were an expert, so that the same measures and the same clustering apply.
#pragma once

#include "subject.hpp"

#include <fissile/count/clustering.hpp>
#include <fissile/count/layer_counts.hpp>
#include <fissile/count/similarity.hpp>

#include <string_view>
#include <vector>

namespace fissile::babel_study {

/// `letters` bytes that stand side by side, 1 or 2, count as one.
inline layer_counts byte_counts(std::string_view text, int letters) {
  const std::size_t kinds = letters == 1 ? 256 : 65536;
  layer_counts counts;
  counts.uses.assign(kinds, 0);
  counts.weights.assign(kinds, 0);
  counts.shared.assign(kinds, 0);
  std::size_t pair = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    pair = (pair * 256 + static_cast<unsigned char>(text[i])) % kinds;
    if (letters == 2 && i == 0) continue;
    ++counts.uses[pair];
    ++counts.tokens;
  }
  return counts;
}

/// [languages x languages]
template <class Measure>
distance_table byte_distances(const std::vector<language_text>& texts, int letters, const Measure& measure) {
  std::vector<layer_counts> counts;
  for (const language_text& text : texts) counts.push_back(byte_counts(counted_text(text), letters));
  distance_table table(texts.size());
  for (std::size_t a = 0; a < texts.size(); ++a) {
    for (std::size_t b = 0; b < texts.size(); ++b) table[a].push_back(measure(counts[a], counts[b]));
  }
  return table;
}

}  // namespace fissile::babel_study
