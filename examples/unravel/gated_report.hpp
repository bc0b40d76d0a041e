// What `unravel gated` found, as tables, as JSON, and as a heat map of which layers open how many experts.
#pragma once

#include "gated_speed.hpp"

#include <fissile/file/json.hpp>
#include <fissile/report/heat_map.hpp>
#include <fissile/report/table.hpp>

#include <fmt/format.h>

#include <string>
#include <vector>

namespace fissile::unravel {

struct gated_subject {
  std::string model;
  index_t experts = 1;
  speed_settings speed;
};

/// One line for each threshold: the means over texts, each counting the same.
inline std::string sweep_text(const std::vector<gated_row>& rows) {
  table shown{.columns = {{"threshold", alignment::right},
                          {"experts active", alignment::right},
                          {"bits per byte", alignment::right}},
              .rows = {}};
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t last = first;
    double active = 0, bits = 0;
    for (; last < rows.size() && rows[last].threshold == rows[first].threshold; ++last) {
      active += rows[last].active();
      bits += rows[last].read.bits_per_byte();
    }
    const auto texts = static_cast<double>(last - first);
    shown.rows.push_back({fmt::format("{:.2f}", rows[first].threshold), fmt::format("{:.1f} %", 100 * active / texts),
                          fmt::format("{:.4f}", bits / texts)});
    first = last;
  }
  return to_plain_text(shown);
}

/// One line for each text, at the first threshold.
inline std::string languages_text(const std::vector<gated_row>& rows) {
  table shown{.columns = {{"text"}, {"bytes", alignment::right}, {"bits per byte", alignment::right}}, .rows = {}};
  for (index_t layer = 0; layer < length(rows.front().layers); ++layer) {
    shown.columns.push_back({fmt::format("layer {}", layer), alignment::right});
  }
  for (const gated_row& row : rows) {
    if (row.threshold != rows.front().threshold) break;
    std::vector<std::string> cells{row.language, std::to_string(row.read.bytes),
                                   fmt::format("{:.4f}", row.read.bits_per_byte())};
    for (const opened& layer : row.layers) cells.push_back(fmt::format("{:.1f} %", 100 * layer.share()));
    shown.rows.push_back(std::move(cells));
  }
  return to_plain_text(shown);
}

inline std::string gated_speed_text(const std::vector<speed_row>& rows) {
  table shown{.columns = {{"layers"},
                          {"phase"},
                          {"active", alignment::right},
                          {"tokens/s", alignment::right},
                          {"FFN: of the time", alignment::right},
                          {"against dense", alignment::right}},
              .rows = {}};
  for (const speed_row& row : rows) {
    double dense = 0;
    for (const speed_row& other : rows) {
      if (other.name == "dense" && other.phase == row.phase) dense = other.tokens_per_second;
    }
    shown.rows.push_back({row.name, name_of(row.phase), fmt::format("{:.1f} %", 100 * row.active),
                          fmt::format("{:.0f}", row.tokens_per_second),
                          fmt::format("{:.1f} %", 100 * row.ffn_share_of_time),
                          fmt::format("{:.2f} x", row.tokens_per_second / dense)});
  }
  return to_plain_text(shown);
}

inline heat_map gated_map(const gated_subject& of, const std::vector<gated_row>& rows) {
  heat_map map{
      .title = "Experts that open, by layer and language",
      .notes = {fmt::format("{}, {} experts a layer, threshold {:.2f}", of.model, of.experts, rows.front().threshold)},
      .row_axis = "language",
      .column_axis = "layer",
      .value_axis = "share of experts",
      .groups = {{"", {}}},
      .maximum = 1};
  for (const gated_row& row : rows) {
    if (row.threshold != rows.front().threshold) break;
    heat_map_row drawn{row.language, {}};
    for (const opened& layer : row.layers) drawn.values.push_back(layer.share());
    map.groups.front().rows.push_back(std::move(drawn));
  }
  return map;
}

inline json_value gated_json(const gated_subject& of, const std::vector<gated_row>& rows,
                             const std::vector<speed_row>& speed) {
  json_value made{{"model", of.model},
                  {"experts", of.experts},
                  {"element", engine::name_of(of.speed.element)},
                  {"threads", of.speed.threads}};
  made["texts"] = json_value::array();
  for (const gated_row& row : rows) {
    json_value layers = json_value::array();
    for (const opened& layer : row.layers) layers.push_back(layer.share());
    made["texts"].push_back({{"threshold", row.threshold},
                             {"language", row.language},
                             {"bytes", row.read.bytes},
                             {"bits_per_byte", row.read.bits_per_byte()},
                             {"active", row.active()},
                             {"layers", layers}});
  }
  made["speed"] = json_value::array();
  for (const speed_row& row : speed) {
    made["speed"].push_back({{"name", row.name},
                             {"phase", name_of(row.phase)},
                             {"active", row.active},
                             {"tokens_per_second", row.tokens_per_second},
                             {"ffn_share_of_time", row.ffn_share_of_time},
                             {"samples", row.samples}});
  }
  return made;
}

}  // namespace fissile::unravel
