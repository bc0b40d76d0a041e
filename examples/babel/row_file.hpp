// Results as lines of JSON, each written as soon as it is known: a run that was stopped goes on where it was.
#pragma once

#include <fissile/base/contract.hpp>

#include <nlohmann/json.hpp>

#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace fissile::babel_study {

class row_file {
public:
  /// Reads what is there. A last line that was cut short is passed over, and what comes next begins a new one.
  explicit row_file(std::string path) : path_(std::move(path)) {
    std::ifstream in{path_};
    for (std::string line; std::getline(in, line);) {
      whole_ = !in.eof();
      const auto row = nlohmann::json::parse(line, nullptr, false);
      if (row.is_object() && row.contains("key") && row.contains("value")) values_[row["key"]] = row["value"];
    }
  }

  std::optional<double> find(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? std::nullopt : std::optional{found->second};
  }
  /// Throws file_error where the line cannot be written.
  void add(const std::string& key, double value) {
    values_[key] = value;
    std::ofstream out{path_, std::ios::app};
    if (!whole_) out << '\n';
    whole_ = true;
    out << nlohmann::json{{"key", key}, {"value", value}}.dump() << '\n';
    if (!out.flush()) fail<file_error>({.argument = path_, .expected = "a file to append to", .got = "none"});
  }

private:
  std::string path_;
  bool whole_ = true;  // whether the file ends with a line end
  std::map<std::string, double> values_;
};

}  // namespace fissile::babel_study
