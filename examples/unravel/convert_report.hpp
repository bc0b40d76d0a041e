// What a conversion did, for people and as JSON.
#pragma once

#include "convert_gguf.hpp"

#include <fissile/file/json.hpp>
#include <fissile/report/table.hpp>

#include <fmt/format.h>

#include <string>

namespace fissile::unravel {

/// Bits per byte of texts that the plan was not made from, before and after; 0 bytes: nothing was scored.
struct convert_scores {
  double dense = 0, converted = 0;
  index_t bytes = 0;
};

/// A row for each layer.
inline table convert_table(const moe_plan& plan, const convert_outcome& done) {
  table made{.columns = {{"layer", alignment::right},
                         {"experts", alignment::right},
                         {"eps", alignment::right},
                         {"down", alignment::left},
                         {"relative error", alignment::right}},
             .rows = {}};
  for (std::size_t layer = 0; layer < done.layers.size(); ++layer) {
    const converted_layer& one = done.layers[layer];
    const moe_layer& from = plan.layers[layer];
    made.rows.push_back({fmt::format("{}", layer),
                         fmt::format("{} of {} x {}", plan.active, plan.experts, from.expert_neurons()) +
                             (from.shared() > 0 ? fmt::format(" + {} shared", from.shared()) : ""),
                         from.router.empty() ? "-" : fmt::format("{:.3g}", from.eps),
                         to_string(one.type) + (one.blocks ? ", whole blocks" : ""),
                         fmt::format("{:.2g}", one.error.relative())});
  }
  return made;
}

inline std::string convert_text(const moe_plan& plan, const convert_outcome& done) {
  std::string text = fmt::format("{}\n\n{}\n", plan.made, to_plain_text(convert_table(plan, done)));
  text += fmt::format("bytes {} -> {}\n", done.bytes_before, done.bytes_after);
  if (plan.weights() == weighing::sigmoid) {
    return text +
           "Chosen experts weigh about 1 each, whatever their number: it may be overridden, as by --override-kv.\n";
  }
  return text + fmt::format(
                    "The down weights hold the factor {}. With another number of active experts k, as by "
                    "--override-kv, the layers give {}/k of what they should.\n",
                    plan.active, plan.active);
}

/// {"made", "experts", "active", "shared", "bytes_before", "bytes_after", "layers": [{"eps", "down", "error"}],
/// "scores": {...}}
inline json_value convert_json(const moe_plan& plan, const convert_outcome& done, const convert_scores& scores) {
  json_value layers = json_value::array();
  for (std::size_t layer = 0; layer < done.layers.size(); ++layer) {
    layers.push_back({{"eps", plan.layers[layer].eps},
                      {"down", to_string(done.layers[layer].type)},
                      {"error", done.layers[layer].error.relative()}});
  }
  json_value made{{"made", plan.made},          {"experts", plan.experts},           {"active", plan.active},
                  {"shared", plan.shared()},    {"bytes_before", done.bytes_before}, {"bytes_after", done.bytes_after},
                  {"layers", std::move(layers)}};
  if (scores.bytes > 0) {
    made["scores"] = {{"bytes", scores.bytes}, {"dense", scores.dense}, {"converted", scores.converted}};
  }
  return made;
}

}  // namespace fissile::unravel
