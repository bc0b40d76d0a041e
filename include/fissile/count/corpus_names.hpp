// Which texts something was measured on; merging keeps every name.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

/// Names in alphabetical order, each once. An empty name is none.
class corpus_names {
public:
  corpus_names() = default;
  explicit corpus_names(std::string name) {
    if (!name.empty()) names_.push_back(std::move(name));
  }
  const std::vector<std::string>& list() const noexcept { return names_; }
  /// All, joined by " + ".
  std::string joined() const {
    std::string all;
    for (const std::string& name : names_) all += (all.empty() ? "" : " + ") + name;
    return all;
  }
  void merge(const corpus_names& other) {
    std::vector<std::string> both;
    std::set_union(names_.begin(), names_.end(), other.names_.begin(), other.names_.end(), std::back_inserter(both));
    names_ = std::move(both);
  }
  friend bool operator==(const corpus_names&, const corpus_names&) = default;

private:
  std::vector<std::string> names_;
};

}  // namespace fissile
