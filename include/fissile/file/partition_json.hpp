// Partitions as JSON: the neurons of every expert, and which experts are shared, layer by layer.
#pragma once

#include <fissile/file/json.hpp>
#include <fissile/partition/partition.hpp>

#include <string>
#include <utility>
#include <vector>

namespace fissile {

inline constexpr std::string_view partitions_schema = "fissile.partitions";

/// {"neurons": n, "shared": [experts], "experts": [[neurons], ...]}; part of other files too.
inline json_value partition_to_json(const partition& split) {
  json_value experts = json_value::array();
  for (index_t e = 0; e < split.experts(); ++e) {
    const vector_view<const index_t> neurons = split.expert(e);
    experts.push_back(std::vector<index_t>(neurons.begin(), neurons.end()));
  }
  return {{"neurons", split.neurons()}, {"shared", split.shared_experts()}, {"experts", std::move(experts)}};
}

/// Throws file_error unless every neuron is in exactly one expert.
inline partition partition_from_json(const json_value& value, const std::string& where) {
  auto experts = require<std::vector<std::vector<index_t>>>(value, "experts", where);
  const auto shared = require<std::vector<index_t>>(value, "shared", where);
  const auto neurons = require<index_t>(value, "neurons", where);
  partition split = as_file_error(where, [&] { return partition{std::move(experts), shared}; });
  if (split.neurons() != neurons) {
    fail<file_error>({.argument = where + ": experts",
                      .expected = std::to_string(neurons) + " neurons",
                      .got = std::to_string(split.neurons())});
  }
  return split;
}

/// How the layers of a model are split, first layer first.
inline void write_partitions_json(const std::string& path, const std::vector<partition>& layers) {
  json_value list = json_value::array();
  for (const partition& split : layers) list.push_back(partition_to_json(split));
  write_json(path, {{"schema", partitions_schema}, {"version", 1}, {"layers", std::move(list)}});
}
inline std::vector<partition> read_partitions_json(const std::string& path) {
  const json_value file = read_json(path);
  require_schema(file, partitions_schema, 1, path);
  const json_value& list = require_entry(file, "layers", path);
  if (!list.is_array())
    fail<file_error>({.argument = path + ": layers", .expected = "a list", .got = list.type_name()});
  std::vector<partition> layers;
  for (const json_value& value : list) {
    layers.push_back(partition_from_json(value, path + ": layers[" + std::to_string(layers.size()) + "]"));
  }
  return layers;
}

}  // namespace fissile
