// The rows of a distillation as a table, as JSON and as a curve.
#pragma once

#include "distil_score.hpp"

#include <fissile/file/json.hpp>
#include <fissile/report/line_chart.hpp>
#include <fissile/report/table.hpp>

#include <fmt/format.h>

#include <string>
#include <vector>

namespace fissile::unravel {

/// One contender over all texts, each counting the same.
struct distil_summary {
  std::string router;
  double asked = 1, active = 0, bits_per_byte = 0;
};

/// In the order of the rows.
inline std::vector<distil_summary> summarise(const std::vector<distil_row>& rows) {
  std::vector<distil_summary> list;
  for (std::size_t first = 0; first < rows.size();) {
    distil_summary one{rows[first].router, rows[first].asked};
    std::size_t texts = 0;
    for (; first < rows.size() && rows[first].router == one.router && rows[first].asked == one.asked;
         ++first, ++texts) {
      one.active += rows[first].share();
      one.bits_per_byte += rows[first].scored.bits_per_byte();
    }
    one.active /= static_cast<double>(texts);
    one.bits_per_byte /= static_cast<double>(texts);
    list.push_back(one);
  }
  return list;
}

inline table distil_table(const std::vector<distil_summary>& list) {
  table made{.columns = {{"router"},
                         {"asked for", alignment::right},
                         {"active", alignment::right},
                         {"bits per byte", alignment::right},
                         {"more than dense", alignment::right}},
             .rows = {}};
  for (const distil_summary& one : list) {
    made.rows.push_back({one.router, fmt::format("{:.0f} %", 100 * one.asked),
                         fmt::format("{:.1f} %", 100 * one.active), fmt::format("{:.3f}", one.bits_per_byte),
                         fmt::format("{:+.3f}", one.bits_per_byte - list.front().bits_per_byte)});
  }
  return made;
}

/// {"router", "language", "asked", "active", "bits_per_byte", "bytes"} for each row.
inline json_value distil_json(const std::vector<distil_row>& rows) {
  json_value list = json_value::array();
  for (const distil_row& row : rows) {
    list.push_back({{"router", row.router},
                    {"language", row.language},
                    {"asked", row.asked},
                    {"active", row.share()},
                    {"bits_per_byte", row.scored.bits_per_byte()},
                    {"bytes", row.scored.bytes}});
  }
  return list;
}

/// Bits per byte over the share that was measured; a line for each router, ending at the dense model.
inline line_chart distil_chart(const std::vector<distil_summary>& list, const std::string& model,
                               const std::string& note) {
  line_chart made{.title = "Bits per byte of " + model + " with a share of its experts",
                  .notes = {note},
                  .x_axis = "active experts, measured, in percent",
                  .y_axis = "bits per byte",
                  .series = {}};
  for (const distil_summary& one : list) {
    if (one.router == list.front().router) continue;
    auto series = std::find_if(made.series.begin(), made.series.end(),
                               [&](const chart_series& known) { return known.name == one.router; });
    if (series == made.series.end()) {
      made.series.push_back({one.router, {{.x = 100, .y = list.front().bits_per_byte}}});
      series = made.series.end() - 1;
    }
    series->points.push_back({.x = 100 * one.active, .y = one.bits_per_byte});
  }
  return made;
}

}  // namespace fissile::unravel
