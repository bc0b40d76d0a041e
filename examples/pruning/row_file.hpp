// Results as lines of JSON, {"key": "...", "values": [...]}, each written as soon as it is known: a run that was
// stopped goes on where it was.
#pragma once

#include <fissile/base/contract.hpp>

#include <nlohmann/json.hpp>

#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fissile::pruning_study {

class row_file {
public:
  /// Reads what is there. A last line that was cut short is passed over, and what comes next begins a new one.
  explicit row_file(std::string path) : path_(std::move(path)) {
    std::ifstream in{path_};
    for (std::string line; std::getline(in, line);) {
      whole_ = !in.eof();
      const auto row = nlohmann::json::parse(line, nullptr, false);
      if (!row.is_object() || !row.contains("key") || !row.contains("values")) continue;
      rows_[row["key"].get<std::string>()] = row["values"].get<std::vector<double>>();
    }
  }

  /// Null where the row is missing.
  const std::vector<double>* find(const std::string& key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : &found->second;
  }
  bool has(const std::string& key) const { return find(key) != nullptr; }
  std::size_t size() const noexcept { return rows_.size(); }

  /// Throws file_error where the line cannot be written.
  void add(const std::string& key, std::vector<double> values) {
    std::ofstream out{path_, std::ios::app};
    if (!whole_) out << '\n';
    whole_ = true;
    out << nlohmann::json{{"key", key}, {"values", values}}.dump() << '\n';
    if (!out.flush()) fail<file_error>({.argument = path_, .expected = "a file to append to", .got = "none"});
    rows_[key] = std::move(values);
  }

private:
  std::string path_;
  bool whole_ = true;  // whether the file ends with a line end
  std::map<std::string, std::vector<double>> rows_;
};

}  // namespace fissile::pruning_study
