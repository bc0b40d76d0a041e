// The heat map of importance: a row for each language, a column for each layer.
#pragma once

#include <fissile/detect/component_importance.hpp>
#include <fissile/report/heat_map.hpp>

#include <limits>
#include <string>
#include <utility>

namespace fissile {

/// Phi of every layer. The notes name the components, the corpus and the tokens; a layer in which a label has seen none
/// is not known there.
inline heat_map importance_map(const component_importance& found, std::string title, importance_reading reading = {}) {
  const bool a_token = reading.by == importance_reading::scale::per_token;
  heat_map map{.title = std::move(title),
               .notes = {reading.how == summed_by::sample ? "sum over tokens of |output x dL/doutput|"
                                                          : "|sum over tokens of output x dL/doutput|"},
               .row_axis = "language",
               .column_axis = "layer",
               .value_axis = a_token ? "importance a token" : "importance",
               .groups = {heat_map_group{}}};
  if (a_token) map.notes[0] += " / tokens";
  std::string components = "components:", tokens = "tokens:";
  for (const component_shape& one : found.components()) {
    components += (components.back() == ':' ? " " : ", ") + one.name;
  }
  for (const std::string& label : found.labels()) {
    heat_map_row row{label, {}};
    for (index_t layer = 0; layer < found.layers(); ++layer) {
      const bool known = found.tokens(label, layer) > 0;
      row.values.push_back(known ? found.of_layer(label, layer, reading) : std::numeric_limits<double>::quiet_NaN());
    }
    map.groups[0].rows.push_back(std::move(row));
    tokens += (tokens.back() == ':' ? " " : ", ") + label + " " + std::to_string(found.tokens(label, 0));
  }
  map.notes.push_back(std::move(components));
  if (!found.corpus().empty()) map.notes.push_back("corpus: " + found.corpus());
  map.notes.push_back(std::move(tokens));
  return map;
}

}  // namespace fissile
