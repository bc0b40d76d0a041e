// Makes the tables and figures of docs/results/finedeep.md from the rows that queue.sh left. Rows that are not there
// yet are named as missing.
//
//   finedeep_report ROWS OUT
#include <fissile/file/atomic_file.hpp>
#include <fissile/report/line_chart.hpp>
#include <fissile/report/table.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "../seed_rows.hpp"

namespace fissile::examples {
namespace {

struct run_kind {
  std::string name, told;
  int sublayers = 0;  // of those on the curve
};

const std::vector<run_kind>& kinds() {
  static const std::vector<run_kind> all{{"dense", "dense, as many parameters"},
                                         {"dense_down2", "dense, down begins twice as wide"},
                                         {"1x16", "1 x 16", 1},
                                         {"2x8", "2 x 8", 2},
                                         {"4x4", "4 x 4", 4},
                                         {"8x2", "8 x 2", 8},
                                         {"16x1", "16 x 1", 16},
                                         {"4x4_unrouted", "4 x 4, every weight 1"}};
  return all;
}

/// Of the names of rows that were trained at twice the rate.
constexpr std::string_view fast = "_fast";

constexpr int seeds = 3;
using all_rows = std::map<std::string, kind_rows>;

auto bits = [](const json_value& row) { return row["bits_per_byte"].get<double>(); };
auto parameters = [](const json_value& row) { return row["parameters"].get<double>(); };
auto seconds = [](const json_value& row) { return row["seconds"].get<double>(); };

/// By how much a kind is better than the dense model, seed by seed.
std::vector<double> less_than_dense(const kind_rows& runs, const kind_rows& dense) {
  std::vector<double> less;
  for (std::size_t seed = 0; seed < runs.size(); ++seed) {
    if (!runs[seed].is_null() && !dense[seed].is_null()) less.push_back(bits(dense[seed]) - bits(runs[seed]));
  }
  return less;
}

table scores(const all_rows& rows) {
  table made{.columns = {{"layers, M x K"},
                         {"parameters", alignment::right},
                         {"bits per byte", alignment::right},
                         {"less than dense, same seed", alignment::right},
                         {"seeds"},
                         {"at twice the rate, seed 1", alignment::right},
                         {"seconds, at least", alignment::right}},
             .rows = {}};
  for (const run_kind& kind : kinds()) {
    const kind_rows& runs = rows.at(kind.name);
    made.rows.push_back({kind.told, least_told(take(runs, parameters), 0), told(take(runs, bits), 3),
                         kind.name == "dense" ? "" : told(less_than_dense(runs, rows.at("dense")), 3), seeds_told(runs),
                         told(take(rows.at(kind.name + std::string(fast)), bits), 3),
                         least_told(take(runs, seconds), 0)});
  }
  return made;
}

/// The share of activations that are not near zero, by what counts as near.
table activity(const all_rows& rows) {
  table made{.columns = {{"layers, M x K"}}, .rows = {}};
  for (const run_kind& kind : kinds()) {
    std::vector<std::string> cells{kind.told};
    const kind_rows& runs = rows.at(kind.name);
    for (const json_value& first : runs) {
      if (first.is_null()) continue;
      const std::size_t bounds = first["non_sparse"].size();
      for (std::size_t i = 0; i < bounds; ++i) {
        if (made.columns.size() <= bounds) {
          made.columns.push_back(
              {fmt::format("above {}, %", first["non_sparse"][i]["above"].get<double>()), alignment::right});
        }
        const auto share = [i](const json_value& row) { return 100 * row["non_sparse"][i]["share"].get<double>(); };
        cells.push_back(told(take(runs, share), 1));
      }
      break;
    }
    if (cells.size() == 1) cells.push_back("missing");
    made.rows.push_back(std::move(cells));
  }
  for (auto& cells : made.rows) cells.resize(made.columns.size());
  return made;
}

/// Languages down, kinds across, means over seeds.
table languages(const all_rows& rows) {
  table made{.columns = {{"language"}}, .rows = {}};
  std::vector<std::string> names;
  for (const run_kind& kind : kinds()) {
    for (const json_value& row : rows.at(kind.name)) {
      if (row.is_null() || !names.empty()) continue;
      for (const auto& [language, score] : row["languages"].items()) names.push_back(language);
    }
    made.columns.push_back({kind.told, alignment::right});
  }
  for (const std::string& language : names) {
    std::vector<std::string> cells{language};
    for (const run_kind& kind : kinds()) {
      const auto numbers =
          take(rows.at(kind.name), [&](const json_value& row) { return row["languages"][language].get<double>(); });
      cells.push_back(numbers.empty() ? "missing" : fmt::format("{:.2f}", mean_of(numbers)));
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

line_chart curve(const all_rows& rows) {
  line_chart chart{.title = "Bits per byte over the number of sub-layers, 16 experts in all",
                   .notes = {"Lower is better. Whiskers: deviation over seeds. The dense model has as many parameters"},
                   .x_axis = "sub-layers M",
                   .y_axis = "bits per byte",
                   .series = {}};
  chart_series grids{"M sub-layers of 16 / M experts", {}}, dense{"dense", {}};
  for (const run_kind& kind : kinds()) {
    const auto numbers = take(rows.at(kind.name), bits);
    if (kind.sublayers == 0 || numbers.empty()) continue;
    grids.points.push_back({static_cast<double>(kind.sublayers), mean_of(numbers), deviation_of(numbers)});
  }
  const auto numbers = take(rows.at("dense"), bits);
  for (const double at : {1.0, 16.0}) {
    if (!numbers.empty()) dense.points.push_back({at, mean_of(numbers), deviation_of(numbers)});
  }
  for (chart_series* one : {&grids, &dense}) {
    if (!one->points.empty()) chart.series.push_back(std::move(*one));
  }
  return chart;
}

int report(const std::filesystem::path& folder, const std::filesystem::path& out) {
  std::vector<std::string> names;
  for (const run_kind& kind : kinds()) {
    names.push_back(kind.name);
    names.push_back(kind.name + std::string(fast));
  }
  const all_rows rows = read_seed_rows(folder, names, seeds);
  std::filesystem::create_directories(out);
  write_file_atomically((out / "tables.md").string(), "## Scores\n\n" + to_markdown(scores(rows)) +
                                                          "\n## Activations\n\n" + to_markdown(activity(rows)) +
                                                          "\n## Languages\n\n" + to_markdown(languages(rows)));
  const line_chart chart = curve(rows);
  if (!chart.series.empty()) write_file_atomically((out / "finedeep_curve.svg").string(), to_svg(chart));
  fmt::print("{}: tables.md and figures are written.\n", out.string());
  return 0;
}

}  // namespace
}  // namespace fissile::examples

int main(int count, char** words) {
  return fissile::examples::run_report("finedeep_report", count, words, fissile::examples::report);
}
