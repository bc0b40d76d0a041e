// The heat map of activation counts: a row for each language in each layer, a column for each expert.
#pragma once

#include <fissile/count/activation_counts.hpp>
#include <fissile/report/heat_map.hpp>

#include <string>

namespace fissile {

/// Frequencies of the whole model, layers from the first one down; the notes name the corpus and the tokens of each
/// label. A label that has seen no tokens in a layer is not known there.
inline heat_map frequency_map(const activation_counts& counts, std::string title) {
  heat_map map{.title = std::move(title),
               .notes = {},
               .row_axis = "layer, label",
               .column_axis = "expert",
               .value_axis = "frequency",
               .groups = {}};
  if (!counts.corpora().empty()) map.notes.push_back("corpus: " + counts.corpus());
  std::string tokens = "tokens:";
  for (const std::string& label : counts.labels()) {
    tokens += (tokens.back() == ':' ? " " : ", ") + label + " " + std::to_string(counts.tokens(label));
  }
  map.notes.push_back(tokens + "; frequency = tokens that chose the expert / tokens seen");
  for (index_t layer = 0; layer < counts.layers(); ++layer) {
    heat_map_group group{.name = "layer " + std::to_string(layer), .rows = {}};
    for (const std::string& label : counts.labels()) {
      const layer_counts& seen = counts.of(label, layer);
      heat_map_row row{.name = label, .values = {}};
      for (index_t e = 0; e < seen.experts(); ++e) row.values.push_back(seen.tokens == 0 ? NAN : seen.frequency(e));
      group.rows.push_back(std::move(row));
    }
    map.groups.push_back(std::move(group));
  }
  return map;
}

}  // namespace fissile
