// How a label (a language or a domain of texts) is named when counts are asked for it.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>

#include <algorithm>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace fissile {

/// A label by its name or by its place among the labels: counts.uses("en", 0, 3), counts.uses(0, 0, 3).
class label_key {
public:
  template <std::integral Place>
  label_key(Place place) noexcept : place_(static_cast<index_t>(place)) {}  // NOLINT: implicit on purpose
  template <class Name>
  requires std::convertible_to<const Name&, std::string_view> label_key(const Name& name)
  noexcept  // NOLINT: the same
      : name_(name) {}

  /// Throws setting_error, with the known labels, where there is no such one.
  index_t among(const std::vector<std::string>& labels) const;

private:
  std::string_view name_ = {};
  index_t place_ = -1;  // of labels asked for without a name
};

inline index_t label_key::among(const std::vector<std::string>& labels) const {
  const bool by_name = name_.data() != nullptr;
  const index_t found = !by_name ? place_ : std::find(labels.begin(), labels.end(), name_) - labels.begin();
  if (found >= 0 && found < length(labels)) return found;
  std::string known;
  for (const std::string& label : labels) known += (known.empty() ? "" : ", ") + label;
  fail<setting_error>({.argument = "label",
                       .expected = "one of " + known,
                       .got = by_name ? std::string("\"").append(name_) + "\"" : "number " + std::to_string(place_),
                       .cure = "labels are fixed when counts are made"});
}

/// Throws setting_error unless there is at least one label, none is empty and each is there once.
inline void check_labels(const std::vector<std::string>& labels, std::string_view who) {
  const std::string argument = std::string(who) + ": labels";
  const std::string expected = "at least one label, none empty, each once";
  if (labels.empty()) fail<setting_error>({.argument = argument, .expected = expected, .got = "none"});
  for (auto label = labels.begin(); label != labels.end(); ++label) {
    if (label->empty()) fail<setting_error>({.argument = argument, .expected = expected, .got = "an empty one"});
    if (std::find(labels.begin(), label, *label) == label) continue;
    fail<setting_error>({.argument = argument, .expected = expected, .got = "\"" + *label + "\" twice"});
  }
}

}  // namespace fissile
