// Activation counts as JSON: all sums as whole numbers, so that what is read equals what was written, bit for bit.
//
// {"schema": "fissile.activation_counts", "version": 1, "corpora": [...], "labels": [...], "layers": n,
//  "shared": [[experts that are shared], ... one list a layer], "weight_step": 2^-24, "counts": [
//    {"label": ..., "layer": ..., "tokens": ..., "empty_routes": ..., "undefined_scores": ..., "saturations": ...,
//     "uses": [one an expert], "weights": [one an expert, in steps]}, ... one a label and layer]}
#pragma once

#include <fissile/count/activation_counts.hpp>
#include <fissile/file/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace fissile {

inline constexpr std::string_view counts_schema = "fissile.activation_counts";

inline json_value counts_to_json(const activation_counts& counts) {
  json_value shared = json_value::array(), cells = json_value::array();
  for (index_t layer = 0; layer < counts.layers(); ++layer) {
    json_value& list = shared.emplace_back(json_value::array());
    for (index_t e = 0; e < counts.experts(layer); ++e) {
      if (counts.of(0, layer).is_shared(e)) list.push_back(e);
    }
  }
  for (const std::string& label : counts.labels()) {
    for (index_t layer = 0; layer < counts.layers(); ++layer) {
      const layer_counts& cell = counts.of(label, layer);
      cells.push_back({{"label", label},
                       {"layer", layer},
                       {"tokens", cell.tokens},
                       {"empty_routes", cell.empty_routes},
                       {"undefined_scores", cell.undefined_scores},
                       {"saturations", cell.saturations},
                       {"uses", cell.uses},
                       {"weights", cell.weights}});
    }
  }
  return {{"schema", counts_schema},           {"version", 1},
          {"corpora", counts.corpora()},       {"labels", counts.labels()},
          {"layers", counts.layers()},         {"shared", std::move(shared)},
          {"weight_step", layer_counts::step}, {"counts", std::move(cells)}};
}

/// The counts of one label and layer; `shared` lists the layer's shared experts.
inline layer_counts layer_counts_from_json(const json_value& cell, const std::vector<index_t>& shared,
                                           const std::string& where) {
  layer_counts counts;
  counts.tokens = require<std::uint64_t>(cell, "tokens", where);
  counts.empty_routes = require<std::uint64_t>(cell, "empty_routes", where);
  counts.undefined_scores = require<std::uint64_t>(cell, "undefined_scores", where);
  counts.saturations = require<std::uint64_t>(cell, "saturations", where);
  counts.uses = require<std::vector<std::uint64_t>>(cell, "uses", where);
  counts.weights = require<std::vector<std::int64_t>>(cell, "weights", where);
  counts.shared.assign(counts.uses.size(), 0);
  for (const index_t e : shared) {
    if (e < 0 || e >= counts.experts()) {
      fail<file_error>({.argument = where + ": shared",
                        .expected = "experts below " + std::to_string(counts.experts()),
                        .got = std::to_string(e)});
    }
    counts.shared[to_size(e)] = 1;
  }
  return counts;
}

/// Throws file_error where an entry is missing, out of order, of the wrong kind, or cannot be the result of counting.
inline activation_counts counts_from_json(const json_value& file, const std::string& where) {
  require_schema(file, counts_schema, 1, where);
  const auto labels = require<std::vector<std::string>>(file, "labels", where);
  const auto layers = require<index_t>(file, "layers", where);
  const auto shared = require<std::vector<std::vector<index_t>>>(file, "shared", where);
  const json_value& entries = require_entry(file, "counts", where);
  const auto refuse = [&](const std::string& expected, const std::string& got) {
    fail<file_error>({.argument = where, .expected = expected, .got = got});
  };
  const double step = require<double>(file, "weight_step", where);
  if (step != layer_counts::step) refuse("a weight_step of 2^-24", std::to_string(step));
  if (labels.empty() || layers < 1) refuse("at least one label and layer", "none");
  if (length(shared) != layers) refuse("shared experts of each layer", "a list of " + std::to_string(shared.size()));
  if (!entries.is_array() || length(entries) % layers != 0 || length(entries) / layers != length(labels)) {
    refuse("counts of each label and layer", std::to_string(entries.size()) + " entries");
  }
  std::vector<layer_counts> cells;  // [labels x layers]
  for (const json_value& entry : entries) {
    const std::string name = where + ": counts[" + std::to_string(cells.size()) + "]";
    const std::string& label = labels[cells.size() / to_size(layers)];
    const index_t layer = length(cells) % layers;
    if (require<std::string>(entry, "label", name) != label || require<index_t>(entry, "layer", name) != layer) {
      fail<file_error>({.argument = name, .expected = label + ", layer " + std::to_string(layer), .got = "another"});
    }
    cells.push_back(layer_counts_from_json(entry, shared[to_size(layer)], name));
    const std::string contradiction = cells.back().contradiction();
    if (!contradiction.empty()) fail<file_error>(name + ": " + contradiction);
  }
  return as_file_error(where, [&] {
    std::vector<partition> splits;  // of as many neurons as experts: counts know no more of a split
    for (index_t layer = 0; layer < layers; ++layer) {
      const index_t experts = cells[to_size(layer)].experts();
      splits.emplace_back(cut_evenly(ascending(experts), experts, "counts"), shared[to_size(layer)]);
    }
    activation_counts counts{splits, {.labels = labels, .layers = layers}};
    for (const std::string& corpus : require<std::vector<std::string>>(file, "corpora", where)) {
      counts.merge(activation_counts{splits, {.labels = labels, .layers = layers, .corpus = corpus}});
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
      counts.set(i / to_size(layers), static_cast<index_t>(i % to_size(layers)), std::move(cells[i]));
    }
    return counts;
  });
}

inline void write_counts_json(const std::string& path, const activation_counts& counts) {
  write_json(path, counts_to_json(counts));
}
inline activation_counts read_counts_json(const std::string& path) {
  return counts_from_json(read_json(path), path);
}

}  // namespace fissile
