// The rows of an experiment that a queue runs with several seeds, NAME-SEED.json in one folder, and the tables' words
// for them: mean and spread over the seeds that are there; what is not there yet is told as missing.
#pragma once

#include <fissile/file/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fissile::examples {

/// The rows of one kind, by seed; null where one is missing.
using kind_rows = std::vector<json_value>;

/// Seeds are 1 to `seeds`. A kind without any row has nulls.
inline std::map<std::string, kind_rows> read_seed_rows(const std::filesystem::path& folder,
                                                       const std::vector<std::string>& kinds, int seeds) {
  std::map<std::string, kind_rows> rows;
  for (const std::string& kind : kinds) {
    for (int seed = 1; seed <= seeds; ++seed) {
      const auto file = folder / fmt::format("{}-{}.json", kind, seed);
      rows[kind].push_back(std::filesystem::exists(file) ? read_json(file.string()) : json_value{});
    }
  }
  return rows;
}

/// "1 3": the seeds that are there; "missing" where none is.
inline std::string seeds_told(const kind_rows& rows) {
  std::string there;
  for (std::size_t seed = 0; seed < rows.size(); ++seed) {
    if (!rows[seed].is_null()) there += fmt::format("{}{}", there.empty() ? "" : " ", seed + 1);
  }
  return there.empty() ? "missing" : there;
}

/// number(row) of every row that is there.
template <class Number>
std::vector<double> take(const kind_rows& rows, const Number& number) {
  std::vector<double> numbers;
  for (const json_value& row : rows) {
    if (!row.is_null()) numbers.push_back(number(row));
  }
  return numbers;
}

/// 0 of none.
inline double mean_of(const std::vector<double>& numbers) {
  double mean = 0;
  for (const double x : numbers) mean += x / static_cast<double>(numbers.size());
  return mean;
}

/// The sample's standard deviation; 0 of fewer than two.
inline double deviation_of(const std::vector<double>& numbers) {
  if (numbers.size() < 2) return 0;
  double squares = 0;
  for (const double x : numbers) squares += (x - mean_of(numbers)) * (x - mean_of(numbers));
  return std::sqrt(squares / static_cast<double>(numbers.size() - 1));
}

/// "2.011 ± .012" with so many digits, the one number there is, or "missing".
inline std::string told(const std::vector<double>& numbers, int digits) {
  if (numbers.empty()) return "missing";
  if (numbers.size() == 1) return fmt::format("{:.{}f}", numbers.front(), digits);
  return fmt::format("{:.{}f} ± {:.{}f}", mean_of(numbers), digits, deviation_of(numbers), digits);
}

/// The least of them, or "missing": what a run takes where nothing else is at work, as near as it was measured.
inline std::string least_told(const std::vector<double>& numbers, int digits) {
  if (numbers.empty()) return "missing";
  return fmt::format("{:.{}f}", *std::min_element(numbers.begin(), numbers.end()), digits);
}

/// What the program `name ROWS OUT` does: report(rows, out), and its errors in words.
template <class Report>
int run_report(const std::string& name, int count, char** words, const Report& report) try {
  if (count != 3) {
    fmt::print(stderr, "{} ROWS OUT: the folder that queue.sh wrote, and where tables and figures go\n", name);
    return 2;
  }
  return report(words[1], words[2]);
} catch (const std::exception& problem) {
  fmt::print(stderr, "{}: {}\n", name, problem.what());
  return 1;
}

}  // namespace fissile::examples
