// Results as lines of JSON, {"key": "...", "value": ...}, each written as soon as it is known: a run that was stopped
// goes on where it was.
#pragma once

#include <fissile/base/contract.hpp>

#include <nlohmann/json.hpp>

#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace fissile::examples {

/// Value: a number, or a vector of numbers.
template <class Value>
class row_file {
public:
  /// Reads what is there. A last line that was cut short is passed over, and what comes next begins a new one.
  explicit row_file(std::string path) : path_(std::move(path)) {
    std::ifstream in{path_};
    for (std::string line; std::getline(in, line);) {
      whole_ = !in.eof();
      const auto row = nlohmann::json::parse(line, nullptr, false);
      if (row.is_object() && row.contains("key") && row.contains("value")) {
        rows_[row["key"].template get<std::string>()] = row["value"].template get<Value>();
      }
    }
  }

  /// Nothing where the row is missing.
  std::optional<Value> find(const std::string& key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? std::nullopt : std::optional{found->second};
  }
  bool has(const std::string& key) const { return rows_.count(key) > 0; }
  std::size_t size() const noexcept { return rows_.size(); }

  /// Throws file_error where the line cannot be written.
  void add(const std::string& key, Value value) {
    std::ofstream out{path_, std::ios::app};
    if (!whole_) out << '\n';
    whole_ = true;
    out << nlohmann::json{{"key", key}, {"value", value}}.dump() << '\n';
    if (!out.flush()) fail<file_error>({.argument = path_, .expected = "a file to append to", .got = "none"});
    rows_[key] = std::move(value);
  }

private:
  std::string path_;
  bool whole_ = true;  // whether the file ends with a line end
  std::map<std::string, Value> rows_;
};

}  // namespace fissile::examples
