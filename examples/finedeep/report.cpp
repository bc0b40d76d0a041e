// Makes the tables and figures of docs/results/finedeep.md from the rows that queue.sh left. Rows that are not there
// yet are named as missing.
//
//   finedeep_report ROWS OUT
#include <fissile/file/atomic_file.hpp>
#include <fissile/report/line_chart.hpp>
#include <fissile/report/table.hpp>

#include <array>
#include <filesystem>
#include <map>
#include <string>
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
                                         {"1x16", "1 x 16", 1},
                                         {"2x8", "2 x 8", 2},
                                         {"4x4", "4 x 4", 4},
                                         {"8x2", "8 x 2", 8},
                                         {"16x1", "16 x 1", 16},
                                         {"4x4_unrouted", "4 x 4, every weight 1"}};
  return all;
}

/// Every kind is trained at each.
struct peak_rate {
  std::string suffix, told;  // of the rows' names
};
const std::array<peak_rate, 2> rates{{{"", "3e-3"}, {"_slow", "1.5e-3"}}};

constexpr int seeds = 3;
using all_rows = std::map<std::string, kind_rows>;

auto bits = [](const json_value& row) { return row["bits_per_byte"].get<double>(); };
auto parameters = [](const json_value& row) { return row["parameters"].get<double>(); };
auto seconds = [](const json_value& row) { return row["seconds"].get<double>(); };

/// The runs at the rate where the mean over seeds is better.
const kind_rows& best(const all_rows& rows, const std::string& kind) {
  const kind_rows* found = &rows.at(kind);
  for (const peak_rate& rate : rates) {
    const kind_rows& runs = rows.at(kind + rate.suffix);
    const auto now = take(*found, bits), other = take(runs, bits);
    if (!other.empty() && (now.empty() || mean_of(other) < mean_of(now))) found = &runs;
  }
  return *found;
}

/// By how much a kind at its better rate is better than the dense model at its own, seed by seed.
std::vector<double> less_than_dense(const all_rows& rows, const std::string& kind) {
  const kind_rows &runs = best(rows, kind), &dense = best(rows, "dense");
  std::vector<double> less;
  for (std::size_t seed = 0; seed < runs.size(); ++seed) {
    if (!runs[seed].is_null() && !dense[seed].is_null()) less.push_back(bits(dense[seed]) - bits(runs[seed]));
  }
  return less;
}

table scores(const all_rows& rows) {
  table made{.columns = {{"layers, M x K"}, {"parameters", alignment::right}}, .rows = {}};
  for (const peak_rate& rate : rates) made.columns.push_back({"bits per byte at " + rate.told, alignment::right});
  made.columns.push_back({"less than dense, better rate each, same seed", alignment::right});
  made.columns.push_back({"seconds, at least", alignment::right});
  made.columns.push_back({"seeds"});
  for (const run_kind& kind : kinds()) {
    const kind_rows& runs = best(rows, kind.name);
    std::vector<std::string> cells{kind.told, told(take(runs, parameters), 0)};
    for (const peak_rate& rate : rates) cells.push_back(told(take(rows.at(kind.name + rate.suffix), bits), 3));
    cells.push_back(kind.name == "dense" ? "" : told(less_than_dense(rows, kind.name), 3));
    cells.push_back(least_told(take(runs, seconds), 0));
    cells.push_back(seeds_told(runs));
    made.rows.push_back(std::move(cells));
  }
  return made;
}

/// The share of activations that are not near zero, by what counts as near; each kind at its better rate.
table activity(const all_rows& rows) {
  table made{.columns = {{"layers, M x K"}}, .rows = {}};
  for (const run_kind& kind : kinds()) {
    std::vector<std::string> cells{kind.told};
    const kind_rows& runs = best(rows, kind.name);
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

/// Languages down, kinds across, means over seeds; each kind at its better rate.
table languages(const all_rows& rows) {
  table made{.columns = {{"language"}}, .rows = {}};
  std::vector<std::string> names;
  for (const run_kind& kind : kinds()) {
    for (const json_value& row : best(rows, kind.name)) {
      if (row.is_null() || !names.empty()) continue;
      for (const auto& [language, score] : row["languages"].items()) names.push_back(language);
    }
    made.columns.push_back({kind.told, alignment::right});
  }
  for (const std::string& language : names) {
    std::vector<std::string> cells{language};
    for (const run_kind& kind : kinds()) {
      const auto numbers =
          take(best(rows, kind.name), [&](const json_value& row) { return row["languages"][language].get<double>(); });
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
  const auto add = [&chart](chart_series series) {
    if (!series.points.empty()) chart.series.push_back(std::move(series));
  };
  for (const peak_rate& rate : rates) {
    chart_series grids{"M sub-layers of 16 / M experts, rate " + rate.told, {}}, dense{"dense, rate " + rate.told, {}};
    for (const run_kind& kind : kinds()) {
      const auto numbers = take(rows.at(kind.name + rate.suffix), bits);
      if (kind.sublayers == 0 || numbers.empty()) continue;
      grids.points.push_back({static_cast<double>(kind.sublayers), mean_of(numbers), deviation_of(numbers)});
    }
    const auto numbers = take(rows.at("dense" + rate.suffix), bits);
    for (const double at : {1.0, 16.0}) {
      if (!numbers.empty()) dense.points.push_back({at, mean_of(numbers), deviation_of(numbers)});
    }
    add(std::move(grids));
    add(std::move(dense));
  }
  return chart;
}

int report(const std::filesystem::path& folder, const std::filesystem::path& out) {
  std::vector<std::string> names;
  for (const run_kind& kind : kinds()) {
    for (const peak_rate& rate : rates) names.push_back(kind.name + rate.suffix);
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
