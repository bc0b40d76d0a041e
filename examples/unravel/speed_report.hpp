// The rows of a speed measurement as a table and as JSON.
#pragma once

#include "speed.hpp"

#include <fissile/file/json.hpp>
#include <fissile/report/table.hpp>

#include <fmt/format.h>

#include <string>
#include <vector>

namespace fissile::unravel {

/// What was measured, as far as no row tells it.
struct speed_subject {
  std::string model;
  engine::architecture sizes;
  speed_settings settings;
};

inline std::string speed_text(const speed_subject& of, const std::vector<speed_row>& rows) {
  const auto percent = [](double share) { return fmt::format("{:.1f} %", 100 * share); };
  table shown{.columns = {{"layers"},
                          {"phase"},
                          {"active", alignment::right},
                          {"tokens/s", alignment::right},
                          {"FFN: of the time", alignment::right},
                          {"of its limit", alignment::right},
                          {"all: of the limit", alignment::right},
                          {"the limit", alignment::right}},
              .rows = {}};
  for (const speed_row& row : rows) {
    shown.rows.push_back(
        {row.name, name_of(row.phase), percent(row.active), fmt::format("{:.1f}", row.tokens_per_second),
         percent(row.ffn_share_of_time), percent(row.ffn_share_of_limit), percent(row.share_of_limit),
         fmt::format("{:.1f} {}", row.limit * 1e-9, row.phase == speed_phase::decode ? "GB/s" : "GFLOP/s")});
  }
  const engine::architecture& sizes = of.sizes;
  const speed_settings& chosen = of.settings;
  return fmt::format(
             "{}: width {}, {} layers of {} neurons, packed as {}, {} experts a layer, {} threads, {}\n"
             "decode: one token at a time after {}; its limit is a streaming read of as many bytes of weights.\n"
             "prompt: {} tokens at once; its limit is the peak of multiply-and-add.\n"
             "The model has no router: experts are drawn by lot for each token and layer, seed {}. Medians.\n\n",
             of.model, sizes.width, sizes.layers, sizes.neurons, engine::name_of(chosen.element), chosen.experts,
             chosen.threads, name_of(best_instruction_set()), chosen.before, chosen.prompt, chosen.seed) +
         to_plain_text(shown);
}

/// {"name", "phase", "active", "element", "threads", "tokens_per_second", "ffn_share_of_time", "share_of_limit",
/// "ffn_share_of_limit", "limit", "samples"} for each row; limit in bytes or FLOPs a second.
inline json_value speed_json(const speed_subject& of, const std::vector<speed_row>& rows) {
  json_value list = json_value::array();
  for (const speed_row& row : rows) {
    list.push_back({{"name", row.name},
                    {"phase", name_of(row.phase)},
                    {"active", row.active},
                    {"element", engine::name_of(of.settings.element)},
                    {"threads", of.settings.threads},
                    {"tokens_per_second", row.tokens_per_second},
                    {"ffn_share_of_time", row.ffn_share_of_time},
                    {"share_of_limit", row.share_of_limit},
                    {"ffn_share_of_limit", row.ffn_share_of_limit},
                    {"limit", row.limit},
                    {"samples", row.samples}});
  }
  return list;
}

}  // namespace fissile::unravel
