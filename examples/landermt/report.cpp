// Makes the tables and the figure of docs/results/landermt.md from the rows that queue.sh left. Rows that are not there
// yet are told as missing.
//
//   landermt_report ROWS OUT
#include <fissile/file/atomic_file.hpp>
#include <fissile/report/line_chart.hpp>
#include <fissile/report/table.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../seed_rows.hpp"

namespace fissile::examples {
namespace {

struct variant_kind {
  std::string name, told;
};

const std::vector<variant_kind>& variants() {
  static const std::vector<variant_kind> all{{"everything", "everything"},
                                             {"ffn", "all feed-forward neurons"},
                                             {"detected", "LANDeRMT: general and own"},
                                             {"random", "as many by lot"},
                                             {"relevant", "LANDeRMT in two layers"},
                                             {"top", "the top tenth by awareness"},
                                             {"random_top", "a tenth by lot"},
                                             {"specific", "own neurons alone"}};
  return all;
}

const std::vector<std::string>& pairs() {
  static const std::vector<std::string> all{"en-de", "es-pt", "en-ru", "de-zh_CN"};
  return all;
}

constexpr int seeds = 3;
constexpr double neurons = 512;  // of each layer of the model

/// By "PAIR-VARIANT".
using all_rows = std::map<std::string, kind_rows>;

all_rows read_rows(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const std::string& pair : pairs()) {
    for (const variant_kind& variant : variants()) names.push_back(pair + '-' + variant.name);
  }
  return read_seed_rows(folder, names, seeds);
}

/// What a run did from its first score to the one at `point`, in bits per byte; below 0 it got better.
double pair_change(const json_value& row, std::size_t point) {
  const std::string pair = row["pair"].get<std::string>();
  return row["path"][point]["pairs"][pair].get<double>() - row["path"][0]["pairs"][pair].get<double>();
}
double others_change(const json_value& row, std::size_t point) {
  double sum = 0;
  for (const std::string& pair : pairs()) {
    sum += row["path"][point]["pairs"][pair].get<double>() - row["path"][0]["pairs"][pair].get<double>();
  }
  return (sum - pair_change(row, point)) / static_cast<double>(pairs().size() - 1);
}
/// Of plain text, the mean over the languages that are not the pair's.
double plain_change(const json_value& row, std::size_t point) {
  const std::string pair = row["pair"].get<std::string>();
  const auto cut = pair.find('-');
  std::vector<double> changes;
  for (const auto& [language, bits] : row["path"][point]["languages"].items()) {
    if (language == pair.substr(0, cut) || language == pair.substr(cut + 1)) continue;
    changes.push_back(bits.get<double>() - row["path"][0]["languages"][language].get<double>());
  }
  return mean_of(changes);
}
std::size_t last_point(const json_value& row) {
  return row["path"].size() - 1;
}

/// The mean over pairs of each seed for which every pair is there.
template <class Number>
std::vector<double> means_over_pairs(const all_rows& rows, const std::string& variant, const Number& number) {
  std::vector<double> means;
  for (std::size_t seed = 0; seed < static_cast<std::size_t>(seeds); ++seed) {
    std::vector<double> numbers;
    for (const std::string& pair : pairs()) {
      const json_value& row = rows.at(pair + '-' + variant)[seed];
      if (!row.is_null()) numbers.push_back(number(row));
    }
    if (numbers.size() == pairs().size()) means.push_back(mean_of(numbers));
  }
  return means;
}

/// The share of the feed-forward layers' neurons that learn, in per cent.
double learning_share(const json_value& row) {
  if (!row.contains("learning")) return 100;
  double sum = 0;
  for (const json_value& count : row["learning"]) sum += count.get<double>();
  return 100 * sum / (neurons * static_cast<double>(row["learning"].size()));
}

std::string runs_told(const all_rows& rows, const std::string& variant) {
  std::size_t there = 0;
  for (const std::string& pair : pairs()) there += take(rows.at(pair + '-' + variant), learning_share).size();
  return fmt::format("{} of {}", there, pairs().size() * static_cast<std::size_t>(seeds));
}

table summary(const all_rows& rows) {
  table made{.columns = {{"what learns"},
                         {"neurons, %", alignment::right},
                         {"the pair", alignment::right},
                         {"other pairs", alignment::right},
                         {"other languages", alignment::right},
                         {"seconds", alignment::right},
                         {"runs", alignment::right}},
             .rows = {}};
  for (const variant_kind& variant : variants()) {
    const auto cell = [&](const auto& number, int digits) {
      return told(means_over_pairs(rows, variant.name, number), digits);
    };
    made.rows.push_back({variant.told, cell(learning_share, 1),
                         cell([](const json_value& row) { return pair_change(row, last_point(row)); }, 3),
                         cell([](const json_value& row) { return others_change(row, last_point(row)); }, 3),
                         cell([](const json_value& row) { return plain_change(row, last_point(row)); }, 3),
                         cell([](const json_value& row) { return row["seconds"].get<double>(); }, 0),
                         runs_told(rows, variant.name)});
  }
  return made;
}

/// A pair a column, one kind of change.
template <class Change>
table by_pair(const all_rows& rows, const Change& change) {
  table made{.columns = {{"what learns"}}, .rows = {}};
  for (const std::string& pair : pairs()) made.columns.push_back({pair, alignment::right});
  for (const variant_kind& variant : variants()) {
    std::vector<std::string> cells{variant.told};
    for (const std::string& pair : pairs()) {
      cells.push_back(told(
          take(rows.at(pair + '-' + variant.name), [&](const json_value& row) { return change(row, last_point(row)); }),
          3));
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

/// Jaccard overlap of two pairs' top tenths, mean over layers and seeds.
table overlaps(const all_rows& rows) {
  table made{.columns = {{"pair"}}, .rows = {}};
  for (const std::string& pair : pairs()) made.columns.push_back({pair, alignment::right});
  for (const std::string& pair : pairs()) {
    std::vector<std::string> cells{pair};
    for (const std::string& other : pairs()) {
      cells.push_back(
          told(take(rows.at(pair + "-detected"),
                    [&](const json_value& row) { return mean_of(row["overlap"][other].get<std::vector<double>>()); }),
               2));
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

/// Forgetting over learning, as steps are taken.
line_chart path_chart(const all_rows& rows) {
  line_chart chart{
      .title = "What a pair's training costs other languages",
      .notes = {"After a quarter, half and all of the steps; mean over four pairs and the seeds that are "
                "there",
                "Further right: the pair is read better; higher: plain text of the other languages is read worse"},
      .x_axis = "gain on the pair, bits per byte",
      .y_axis = "loss on other languages, bits per byte",
      .series = {}};
  for (const variant_kind& variant : variants()) {
    chart_series line{variant.told, {{0, 0, 0}}};
    for (std::size_t point = 1; point < 4; ++point) {
      const auto gain =
          means_over_pairs(rows, variant.name, [&](const json_value& row) { return -pair_change(row, point); });
      const auto loss =
          means_over_pairs(rows, variant.name, [&](const json_value& row) { return plain_change(row, point); });
      if (!gain.empty()) line.points.push_back({mean_of(gain), mean_of(loss), deviation_of(loss)});
    }
    if (line.points.size() > 1) chart.series.push_back(std::move(line));
  }
  return chart;
}

int report(const std::filesystem::path& folder, const std::filesystem::path& out) {
  const all_rows rows = read_rows(folder);
  std::filesystem::create_directories(out);
  write_file_atomically((out / "tables.md").string(),
                        "## All pairs\n\n" + to_markdown(summary(rows)) + "\n## The pair itself\n\n" +
                            to_markdown(by_pair(rows, pair_change)) + "\n## Other pairs\n\n" +
                            to_markdown(by_pair(rows, others_change)) + "\n## Other languages\n\n" +
                            to_markdown(by_pair(rows, plain_change)) + "\n## Overlap\n\n" +
                            to_markdown(overlaps(rows)));
  const line_chart chart = path_chart(rows);
  if (!chart.series.empty()) write_file_atomically((out / "landermt_path.svg").string(), to_svg(chart));
  fmt::print("{}: tables.md and what figures there are rows for are written.\n", out.string());
  return 0;
}

}  // namespace
}  // namespace fissile::examples

int main(int count, char** words) {
  return fissile::examples::run_report("landermt_report", count, words, fissile::examples::report);
}
