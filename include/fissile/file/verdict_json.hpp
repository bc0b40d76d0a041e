// Verdicts as JSON, together with the partitions they speak of: all that is needed to carry one out later.
//
// {"schema": "fissile.verdict", "version": 1, "judge": ..., "budget": ..., "rate": ..., "corpus": ..., "tokens": ...,
//  "layers": [{"partition": {...}, "experts": [{"expert": 0, "fate": "keep" or "remove", "reason": ...}, ...]}, ...]}
#pragma once

#include <fissile/file/partition_json.hpp>
#include <fissile/prune/verdict.hpp>

#include <string>
#include <utility>
#include <vector>

namespace fissile {

inline constexpr std::string_view verdict_schema = "fissile.verdict";

/// What a file of a verdict holds.
struct saved_verdict {
  verdict decided;
  std::vector<partition> partitions;  // [layers]
  friend bool operator==(const saved_verdict&, const saved_verdict&) = default;
};

/// Throws shape_error where verdict and partitions differ in layers or experts, setting_error for a rate that is none.
inline json_value verdict_to_json(const verdict& decided, vector_view<const partition> partitions) {
  if (length(decided.layers) != partitions.length()) {
    fail<shape_error>({.argument = "verdict_to_json: partitions",
                       .expected = std::to_string(decided.layers.size()) + ", one a layer of the verdict",
                       .got = std::to_string(partitions.length())});
  }
  if (!(decided.rate >= 0 && decided.rate < 1)) {
    fail<setting_error>({.argument = "verdict_to_json: rate",
                         .expected = "at least 0 and less than 1",
                         .got = std::to_string(decided.rate)});
  }
  json_value layers = json_value::array();
  for (index_t layer = 0; layer < partitions.length(); ++layer) {
    if (decided.experts(layer) != partitions[layer].experts()) {
      fail<shape_error>({.argument = "verdict_to_json: partition of layer " + std::to_string(layer),
                         .expected = std::to_string(decided.experts(layer)) + " experts",
                         .got = std::to_string(partitions[layer].experts())});
    }
    json_value experts = json_value::array();
    for (const ruling& one : decided.layers[to_size(layer)]) {
      experts.push_back(
          {{"expert", experts.size()}, {"fate", one.what == fate::keep ? "keep" : "remove"}, {"reason", one.reason}});
    }
    layers.push_back({{"partition", partition_to_json(partitions[layer])}, {"experts", std::move(experts)}});
  }
  return {{"schema", verdict_schema}, {"version", 1},
          {"judge", decided.judge},   {"budget", decided.budget},
          {"rate", decided.rate},     {"corpus", decided.corpus},
          {"tokens", decided.tokens}, {"layers", std::move(layers)}};
}

/// The rulings of one layer; `experts` of them.
inline std::vector<ruling> rulings_from_json(const json_value& list, index_t experts, const std::string& where) {
  if (!list.is_array() || length(list) != experts) {
    fail<file_error>({.argument = where,
                      .expected = "a list of " + std::to_string(experts) + ", one an expert of the partition",
                      .got = list.is_array() ? "one of " + std::to_string(list.size()) : list.type_name()});
  }
  std::vector<ruling> rulings;
  for (const json_value& entry : list) {
    const std::string name = where + "[" + std::to_string(rulings.size()) + "]";
    if (const auto expert = require<index_t>(entry, "expert", name); expert != length(rulings)) {
      fail<file_error>({.argument = name + ": expert",
                        .expected = std::to_string(rulings.size()) + ": experts stand in order",
                        .got = std::to_string(expert)});
    }
    const auto what = require<std::string>(entry, "fate", name);
    if (what != "keep" && what != "remove") {
      fail<file_error>({.argument = name + ": fate", .expected = "\"keep\" or \"remove\"", .got = "\"" + what + "\""});
    }
    rulings.push_back({what == "keep" ? fate::keep : fate::remove, require<std::string>(entry, "reason", name)});
  }
  return rulings;
}

/// Throws file_error where an entry is missing, of the wrong kind, or contradicts the partition beside it.
inline saved_verdict verdict_from_json(const json_value& file, const std::string& where) {
  require_schema(file, verdict_schema, 1, where);
  saved_verdict saved{.decided = {.judge = require<std::string>(file, "judge", where),
                                  .budget = require<std::string>(file, "budget", where),
                                  .rate = require<double>(file, "rate", where),
                                  .corpus = require<std::string>(file, "corpus", where),
                                  .tokens = require<std::uint64_t>(file, "tokens", where)},
                      .partitions = {}};
  if (!(saved.decided.rate >= 0 && saved.decided.rate < 1)) {
    fail<file_error>({.argument = where + ": rate",
                      .expected = "at least 0 and less than 1",
                      .got = std::to_string(saved.decided.rate)});
  }
  const json_value& layers = require_entry(file, "layers", where);
  if (!layers.is_array()) {
    fail<file_error>({.argument = where + ": layers", .expected = "a list", .got = layers.type_name()});
  }
  for (const json_value& layer : layers) {
    const std::string name = where + ": layers[" + std::to_string(saved.partitions.size()) + "]";
    saved.partitions.push_back(partition_from_json(require_entry(layer, "partition", name), name + ": partition"));
    saved.decided.layers.push_back(rulings_from_json(require_entry(layer, "experts", name),
                                                     saved.partitions.back().experts(), name + ": experts"));
  }
  return saved;
}

inline void write_verdict_json(const std::string& path, const verdict& decided,
                               vector_view<const partition> partitions) {
  write_json(path, verdict_to_json(decided, partitions));
}
inline saved_verdict read_verdict_json(const std::string& path) {
  return verdict_from_json(read_json(path), path);
}

}  // namespace fissile
