// The pictures of the result page.
#pragma once

#include "feature_rows.hpp"
#include "results.hpp"

#include <fissile/report/heat_map.hpp>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace fissile::pruning_study {

/// "0 translation, 1 all, plain ...": columns carry numbers only.
inline std::string numbered_calibrations() {
  std::string text;
  index_t number = 0;
  for (const calibration& on : all_calibrations()) {
    text += (number == 0 ? "" : "; ") + std::to_string(number) + " " + on.name();
    ++number;
  }
  return text;
}

/// Bits per byte beyond those of the whole model, calibrations by languages, a group for each rate.
inline heat_map matrix_map(const row_file& rows, method how) {
  heat_map map{
      .title = "Bits per byte that pruning costs: calibrated on one text, scored on eight languages",
      .notes = {std::string{name_of(how)} + ", mean of the seeds measured; read column by column.", "Columns:"},
      .row_axis = "rate, calibrated on",
      .column_axis = "language that is scored",
      .value_axis = "bits per byte more",
      .groups = {}};
  for (std::size_t language = 0; language < languages.size(); ++language) {
    map.notes.back() += (language == 0 ? " " : ", ") + std::to_string(language) + " " + languages[language];
  }
  const std::vector<double> whole = mean_bits(rows, {}, 1);
  for (const double rate : rates) {
    heat_map_group group{.name = short_number(100 * rate) + " %", .rows = {}};
    for (const calibration& on : all_calibrations()) {
      std::vector<double> bits = mean_bits(rows, {.how = how, .rate = rate, .on = on}, seeds);
      bits.resize(languages.size(), std::numeric_limits<double>::quiet_NaN());
      for (std::size_t language = 0; language < bits.size() && !whole.empty(); ++language) {
        bits[language] = std::isnan(bits[language]) ? bits[language] : std::max(0.0, bits[language] - whole[language]);
      }
      group.rows.push_back({on.name(), bits});
    }
    map.groups.push_back(std::move(group));
  }
  return map;
}

/// Top features of the row's text among the bottom ones of the column's, in per cent; a group for each hidden state.
inline heat_map overlap_map(const row_file& rows, padding_rule padding) {
  const bool masked = padding == padding_rule::masked;
  heat_map map{.title = "Features that are large in one kind of text and small in another",
               .notes = {std::string{"Per cent of the row's top 40 % among the column's bottom 40 %; "} +
                             (masked ? "padding left out." : "padding counted, as in the paper's code."),
                         "Columns: " + numbered_calibrations()},
               .row_axis = "state, text whose top features",
               .column_axis = "text whose bottom features",
               .value_axis = "per cent",
               .groups = {}};
  const auto overlaps = rows.find(feature_overlap_key(padding));
  const std::vector<calibration> kinds = all_calibrations();
  if (!overlaps) return map;
  const std::size_t count = kinds.size(), states = overlaps->size() / (count * count);
  for (std::size_t state = 0; state < states; ++state) {
    heat_map_group group{.name = state == 0 ? "embedding" : "block " + std::to_string(state - 1), .rows = {}};
    for (std::size_t a = 0; a < count; ++a) {
      const auto first = overlaps->begin() + static_cast<std::ptrdiff_t>((state * count + a) * count);
      group.rows.push_back({kinds[a].name(), {first, first + static_cast<std::ptrdiff_t>(count)}});
    }
    map.groups.push_back(std::move(group));
  }
  return map;
}

}  // namespace fissile::pruning_study
