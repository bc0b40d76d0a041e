// How alike languages lie in the hidden states: a heat map of one layer, language by language, and the mean over pairs
// layer by layer.
#pragma once

#include <fissile/detect/language_centroids.hpp>
#include <fissile/report/heat_map.hpp>
#include <fissile/report/line_chart.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

/// "embedding", "after block 0", "after block 1": of layer 0, 1 and 2 of states; blocks count from 0.
inline std::string states_name(index_t layer) {
  return layer == 0 ? std::string{"embedding"} : "after block " + std::to_string(layer - 1);
}

/// "sentences: en 100, de 100 (2 left out)", as one layer counted them.
inline std::string sentence_note(const language_centroids& found, index_t layer) {
  std::string note = "sentences:";
  for (index_t label = 0; label < length(found.labels()); ++label) {
    note += (label == 0 ? " " : ", ") + found.labels()[to_size(label)] + " " +
            std::to_string(found.sentences(label, layer));
    if (const std::uint64_t lost = found.undefined(label, layer); lost > 0) {
      note += " (" + std::to_string(lost) + " left out)";
    }
  }
  return note;
}

/// The cosines of all pairs in one layer; the scale begins below the least of them, or they would all look alike.
inline heat_map similarity_map(const language_centroids& found, index_t layer, std::string title) {
  heat_map map{.title = std::move(title),
               .notes = {states_name(layer)},
               .row_axis = "language",
               .column_axis = "language",
               .value_axis = "cosine",
               .groups = {heat_map_group{}},
               .maximum = 1,
               .columns = found.labels()};
  if (!found.corpus().empty()) map.notes.push_back("corpus: " + found.corpus());
  map.notes.push_back(sentence_note(found, layer));
  const std::vector<std::vector<double>> cosines = found.cosines(layer);
  double least = 1;
  for (std::size_t label = 0; label < cosines.size(); ++label) {
    for (const double cosine : cosines[label]) least = cosine < least ? cosine : least;
    map.groups[0].rows.push_back({found.labels()[label], cosines[label]});
  }
  map.minimum = least < 1 ? std::min(least, std::floor(least * 20) / 20) : 0.95;
  return map;
}

/// The mean over pairs for every layer, without each language's likeness to itself and with it. x: the block that the
/// states come after, -1 for the embedding.
inline line_chart similarity_chart(const language_centroids& found, std::string title) {
  line_chart chart{.title = std::move(title),
                   .notes = {},
                   .x_axis = "after block (-1: embedding)",
                   .y_axis = "mean cosine",
                   .series = {{"two languages", {}}, {"with diagonal", {}}}};
  if (!found.corpus().empty()) chart.notes.push_back("corpus: " + found.corpus());
  chart.notes.push_back(sentence_note(found, found.layers() - 1));
  for (index_t layer = 0; layer < found.layers(); ++layer) {
    const auto x = static_cast<double>(layer - 1);
    chart.series[0].points.push_back({x, found.mean_cosine(layer, own_pairs::left_out)});
    chart.series[1].points.push_back({x, found.mean_cosine(layer, own_pairs::included)});
  }
  return chart;
}

}  // namespace fissile
