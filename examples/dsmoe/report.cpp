// Makes the tables and figures of docs/results/dsmoe.md from the rows that queue.sh left. Rows that are not there yet
// are named as missing.
//
//   dsmoe_report ROWS OUT
#include <fissile/file/atomic_file.hpp>
#include <fissile/report/heat_map.hpp>
#include <fissile/report/line_chart.hpp>
#include <fissile/report/table.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "../seed_rows.hpp"

namespace fissile::examples {
namespace {

struct run_kind {
  std::string name, told;
};

const std::vector<run_kind>& kinds() {
  static const std::vector<run_kind> all{
      {"dense", "dense, trained on"},
      {"wanda", "Wanda's mask, trained on"},
      {"sparsegpt", "SparseGPT's mask, trained on"},
      {"blocks", "three blocks of eight, by lot"},
      {"top_k", "top-3 softmax router"},
      {"dsmoe", "DSMoE, the paper's setting"},
      {"dsmoe_hard", "the same without straight-through"},
      {"dsmoe_sigmoid", "plain sigmoid, threshold afterwards"},
      {"dsmoe_target", "DSMoE led to .375"},
      {"dsmoe_decided", "led to .375, with our settings"},
  };
  return all;
}

constexpr int seeds = 3;

std::map<std::string, kind_rows> read_rows(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const run_kind& kind : kinds()) names.push_back(kind.name);
  return read_seed_rows(folder, names, seeds);
}

table scores(const std::map<std::string, kind_rows>& rows) {
  table made{.columns = {{"layers"},
                         {"experts active, %", alignment::right},
                         {"bits per byte", alignment::right},
                         {"seconds, at least", alignment::right},
                         {"seeds"}},
             .rows = {}};
  for (const run_kind& kind : kinds()) {
    const kind_rows& runs = rows.at(kind.name);
    made.rows.push_back(
        {kind.told,
         told(take(runs, [](const json_value& row) { return 100 * row["score"]["active"].get<double>(); }), 1),
         told(take(runs, [](const json_value& row) { return row["score"]["bits_per_byte"].get<double>(); }), 3),
         least_told(take(runs, [](const json_value& row) { return row["seconds"].get<double>(); }), 0),
         seeds_told(runs)});
  }
  return made;
}

/// Languages down, kinds across, means over seeds.
table languages(const std::map<std::string, kind_rows>& rows) {
  table made{.columns = {{"language"}}, .rows = {}};
  std::vector<std::string> names;
  for (const run_kind& kind : kinds()) {
    for (const json_value& row : rows.at(kind.name)) {
      if (row.is_null() || !names.empty()) continue;
      for (const auto& [language, one] : row["score"]["languages"].items()) names.push_back(language);
    }
    made.columns.push_back({kind.name, alignment::right});
  }
  for (const std::string& language : names) {
    std::vector<std::string> cells{language};
    for (const run_kind& kind : kinds()) {
      const auto numbers = take(rows.at(kind.name), [&](const json_value& row) {
        return row["score"]["languages"][language]["bits_per_byte"].get<double>();
      });
      cells.push_back(numbers.empty() ? "missing" : fmt::format("{:.2f}", mean_of(numbers)));
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

/// Thresholds across: active, and bits per byte, of every kind that has gates.
table sweep(const std::map<std::string, kind_rows>& rows) {
  table made{.columns = {{"layers"}, {""}}, .rows = {}};
  for (int tenth = 2; tenth <= 8; ++tenth) made.columns.push_back({fmt::format(".{}", tenth), alignment::right});
  for (const run_kind& kind : kinds()) {
    const kind_rows& runs = rows.at(kind.name);
    if (!kind.name.starts_with("dsmoe")) continue;
    for (const bool active : {true, false}) {
      std::vector<std::string> cells{active ? kind.told : "", active ? "active, %" : "bits per byte"};
      for (std::size_t point = 0; point < 7; ++point) {
        cells.push_back(told(take(runs,
                                  [&](const json_value& row) {
                                    const json_value& at = row["sweep"][point];
                                    return active ? 100 * at["active"].get<double>()
                                                  : at["bits_per_byte"].get<double>();
                                  }),
                             active ? 1 : 2));
      }
      made.rows.push_back(std::move(cells));
    }
  }
  return made;
}

line_chart sweep_chart(const std::map<std::string, kind_rows>& rows) {
  line_chart chart{.title = "Bits per byte over the share of active experts, as the threshold moves",
                   .notes = {"Thresholds .2 to .8, mean over seeds; single points: layers without a threshold"},
                   .x_axis = "experts active, %",
                   .y_axis = "bits per byte",
                   .series = {}};
  for (const run_kind& kind : kinds()) {
    chart_series line{kind.told, {}};
    const kind_rows& runs = rows.at(kind.name);
    const bool gated = kind.name.starts_with("dsmoe");
    for (std::size_t point = 0; point < (gated ? 7u : 1u); ++point) {
      const auto at = [&](const json_value& row) { return gated ? row["sweep"][point] : row["score"]; };
      double active = 0, bits = 0, count = 0;
      for (const json_value& row : runs) {
        if (row.is_null()) continue;
        active += 100 * at(row)["active"].get<double>();
        bits += at(row)["bits_per_byte"].get<double>();
        ++count;
      }
      if (count > 0 && bits / count < 4.5) line.points.push_back({active / count, bits / count, 0});
    }
    if (!line.points.empty()) chart.series.push_back(std::move(line));
  }
  return chart;
}

heat_map active_map(const std::string& name, const json_value& row) {
  heat_map map{.title = "Experts that open, by language and layer",
               .notes = {fmt::format("{}, seed {}, threshold .5, held-out pages", name, row["seed"].get<int>())},
               .row_axis = "language",
               .column_axis = "layer",
               .value_axis = "share of experts",
               .groups = {{"", {}}},
               .maximum = 1};
  for (const auto& [language, one] : row["score"]["languages"].items()) {
    map.groups.front().rows.push_back({language, one["active"].get<std::vector<double>>()});
  }
  return map;
}

int report(const std::filesystem::path& folder, const std::filesystem::path& out) {
  const auto rows = read_rows(folder);
  std::filesystem::create_directories(out);
  write_file_atomically((out / "tables.md").string(), "## Scores\n\n" + to_markdown(scores(rows)) +
                                                          "\n## Thresholds\n\n" + to_markdown(sweep(rows)) +
                                                          "\n## Languages\n\n" + to_markdown(languages(rows)));
  const line_chart chart = sweep_chart(rows);
  if (!chart.series.empty()) write_file_atomically((out / "dsmoe_sweep.svg").string(), to_svg(chart));
  for (const char* name : {"dsmoe", "dsmoe_decided"}) {
    if (rows.at(name).front().is_null()) continue;
    write_file_atomically((out / fmt::format("{}_active.svg", name)).string(),
                          to_svg(active_map(name, rows.at(name).front())));
  }
  fmt::print("{}: tables.md and figures are written.\n", out.string());
  return 0;
}

}  // namespace
}  // namespace fissile::examples

int main(int count, char** words) {
  return fissile::examples::run_report("dsmoe_report", count, words, fissile::examples::report);
}
