// The pictures of an analysis: how alike languages are in a middle layer and in all layers, and where in the model the
// loss of each language hangs.
#pragma once

#include "analyse_tables.hpp"

#include <fissile/report/importance_map.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

inline std::string lines_note(const analysis_result& done) {
  index_t lines = 0;
  for (const analysed_language& one : done.languages) lines = std::max(lines, one.lines);
  const bool parallel = done.settings.order == line_order::parallel;
  return fmt::format("{}: up to {} {} of each language", done.corpus.substr(0, 80), lines,
                     parallel ? "parallel lines" : "lines that are no translations");
}
/// With what its text holds, since the row compares it with others.
inline std::string measured_name(const analysis_result& done, const std::string& language) {
  return fmt::format("{} ({} tokens/char.)", language, shown(done.measure.of(language).tokens_per_character(), 2));
}

/// Rows by these names and notes of this analysis, instead of what the library says of the tokens of every language.
inline heat_map of_analysis(heat_map map, const analysis_result& done, std::string what) {
  map.notes = {std::move(what), lines_note(done)};
  map.row_axis = "language, tokens per character";
  for (heat_map_row& row : map.groups.front().rows) row.name = measured_name(done, row.name);
  return map;
}

inline heat_map similarity_map(const analysis_result& done) {
  const index_t layer = fuxitranyu::middle_layer(done.found.centroids);
  return of_analysis(
      fissile::similarity_map(done.found.centroids, layer, "How alike languages are " + in_states(layer)), done,
      "Cosine of the mean hidden states of last tokens.");
}

inline heat_map importance_map(const analysis_result& done) {
  heat_map map =
      of_analysis(fissile::importance_map(done.found.importance, "On which layers the loss of each language hangs",
                                          importance_per_token),
                  done, "Sum of |output * dL/doutput| over the outputs of eight components, mean over tokens.");
  map.value_axis = "nats a token";
  return map;
}

inline line_chart similarity_chart(const analysis_result& done) {
  line_chart chart = fissile::similarity_chart(done.found.centroids, "How alike languages are, layer by layer");
  chart.notes = {"Cosine of the mean hidden states of last tokens, mean over pairs of languages.", lines_note(done)};
  return chart;
}

inline line_chart shares_chart(const analysis_result& done) {
  line_chart chart{.title = "What attention and MLP have of each layer's importance",
                   .notes = {"Mean over languages; bars: standard deviation over languages.", lines_note(done)},
                   .x_axis = "layer",
                   .y_axis = "share",
                   .series = {{"MLP", {}}, {"attention", {}}}};
  for (index_t layer = 0; layer < done.sizes.layers; ++layer) {
    std::vector<double> attention;
    for (index_t language = 0; language < length(done.languages); ++language) {
      attention.push_back(fuxitranyu::attention_share(done.found.importance, language, layer));
    }
    const double mean = mean_of(attention), spread = attention.size() < 2 ? 0 : deviation_of(attention);
    const auto x = static_cast<double>(layer);
    chart.series[0].points.push_back({x, 1 - mean, std::isnan(spread) ? 0 : spread});
    chart.series[1].points.push_back({x, mean, std::isnan(spread) ? 0 : spread});
  }
  return chart;
}

}  // namespace fissile::unravel
