// The pictures of an analysis: how alike languages are in a middle layer and in all layers, and where in the model the
// loss of each language hangs.
#pragma once

#include "analyse_tables.hpp"

#include <fissile/report/heat_map.hpp>
#include <fissile/report/line_chart.hpp>

#include <algorithm>
#include <cmath>
#include <string>
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

inline heat_map similarity_map(const analysis_result& done) {
  const language_centroids& found = done.found.centroids;
  const index_t layer = fuxitranyu::middle_layer(found);
  heat_map map{.title = "How alike languages are " +
                        (layer == 0 ? std::string{"in the embedding"} : fmt::format("after block {}", layer - 1)),
               .notes = {"Cosine of the mean hidden states of last tokens.", lines_note(done)},
               .row_axis = "language, tokens per character",
               .column_axis = "language",
               .value_axis = "cosine",
               .groups = {{"", {}}},
               .maximum = 1,
               .minimum = 1,
               .columns = done.names()};
  const std::vector<std::vector<double>> cosines = found.cosines(layer);
  for (std::size_t row = 0; row < cosines.size(); ++row) {
    map.groups.front().rows.push_back({measured_name(done, map.columns[row]), cosines[row]});
    for (const double one : cosines[row]) map.minimum = one < map.minimum ? one : map.minimum;
  }
  map.minimum = std::min(std::floor(map.minimum * 20) / 20, 0.95);
  return map;
}

inline heat_map importance_map(const analysis_result& done) {
  heat_map map{.title = "On which layers the loss of each language hangs",
               .notes = {"Sum of |output * dL/doutput| over the outputs of eight components, mean over tokens.",
                         lines_note(done)},
               .row_axis = "language, tokens per character",
               .column_axis = "layer",
               .value_axis = "nats a token",
               .groups = {{"", {}}}};
  const fuxitranyu::choices per_token{.reading = importance_per_token};
  const std::vector<std::vector<double>> scores = fuxitranyu::layer_scores(done.found.importance, per_token);
  for (std::size_t language = 0; language < scores.size(); ++language) {
    map.groups.front().rows.push_back({measured_name(done, done.names()[language]), scores[language]});
  }
  return map;
}

inline line_chart similarity_chart(const analysis_result& done) {
  line_chart chart{
      .title = "How alike languages are, layer by layer",
      .notes = {"Cosine of the mean hidden states of last tokens, mean over pairs of languages.", lines_note(done)},
      .x_axis = "states: 0 embedding, k after block k - 1",
      .y_axis = "mean cosine",
      .series = {}};
  for (const own_pairs diagonal : {own_pairs::left_out, own_pairs::included}) {
    chart_series series{.name = diagonal == own_pairs::left_out ? "two languages" : "with diagonal", .points = {}};
    const std::vector<double> curve = fuxitranyu::similarity_curve(done.found.centroids, {.diagonal = diagonal});
    for (std::size_t layer = 0; layer < curve.size(); ++layer) {
      series.points.push_back({static_cast<double>(layer), curve[layer]});
    }
    chart.series.push_back(std::move(series));
  }
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
