// What pruning by texts did, as a table for people and as JSON.
#pragma once

#include "prune_file.hpp"
#include "prune_plan.hpp"
#include "prune_scores.hpp"

#include <fissile/file/json.hpp>
#include <fissile/report/table.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace fissile::unravel {

/// A row for each layer. Errors are relative, of outputs on inputs that the layer was judged by.
inline table layer_table(const pruned_model_report& done) {
  const bool masks = done.masks.matrices > 0;
  table made{.columns = {{"layer", alignment::right}}, .rows = {}};
  for (const char* name : {masks ? "weights set to 0" : "neurons left", masks ? "worst matrix" : "before the refit",
                           "feed-forward error"}) {
    made.columns.push_back({name, alignment::right});
  }
  const bool levels = !done.layers.empty() && done.layers.front().levels.size() == 1;
  if (levels) made.columns.push_back({"level", alignment::right});
  for (index_t layer = 0; layer < length(done.layers); ++layer) {
    const pruned_layer_report& one = done.layers[to_size(layer)];
    std::string left, worst = "-";
    if (masks) {
      index_t removed = 0, weights = 0;
      double error = -1;
      for (const masked_matrix& matrix : one.matrices) {
        removed += matrix.mask.removed();
        weights += length(matrix.mask.kept);
        if (matrix.error <= error) continue;
        error = matrix.error;
        worst = fmt::format("{} {:.3f}", matrix.name, error);
      }
      left = fmt::format("{} of {}", removed, weights);
    } else {
      left = fmt::format("{} of {}", one.cost.after.neurons, one.cost.before.neurons);
      if (one.refitted) worst = fmt::format("{:.3f}", one.refitted->error_before);
    }
    made.rows.push_back({fmt::format("{}", layer), left, worst, fmt::format("{:.3f}", one.ffn_error)});
    if (levels) made.rows.back().push_back(fmt::format("{:.3g}", one.levels.front()));
  }
  return made;
}

/// {"plan", "corpus", "samples", "positions", "bytes_before", "bytes_after", "scores": [{"language", "before",
/// "after"}], "layers": [{"ffn_error", "neurons", "matrices": [{"name", "weights", "removed", "error"}]}]}; with a
/// refit "error_before_refit" of each layer, too, and with a budget by layer "levels": one, or one a matrix.
inline json_value prune_json(const pruned_model_report& done, const prune_outcome& files,
                             const std::vector<pruned_score>& scores = {}) {
  json_value layers = json_value::array();
  for (const pruned_layer_report& one : done.layers) {
    json_value matrices = json_value::array();
    for (const masked_matrix& matrix : one.matrices) {
      matrices.push_back({{"name", matrix.name},
                          {"weights", matrix.mask.kept.size()},
                          {"removed", matrix.mask.removed()},
                          {"error", matrix.error}});
    }
    json_value row{{"ffn_error", one.ffn_error},
                   {"neurons", one.kept_neurons.empty() ? files.width_before : length(one.kept_neurons)},
                   {"matrices", std::move(matrices)}};
    if (!one.levels.empty()) row["levels"] = one.levels;
    if (one.refitted) row["error_before_refit"] = one.refitted->error_before;
    layers.push_back(std::move(row));
  }
  json_value scored = json_value::array();
  for (const pruned_score& one : scores) {
    scored.push_back({{"language", one.language}, {"before", one.before}, {"after", one.after}});
  }
  return {{"plan", done.plan},
          {"corpus", done.read.corpus()},
          {"samples", done.read.samples()},
          {"positions", done.read.positions()},
          {"bytes_before", files.bytes_before},
          {"bytes_after", files.bytes_after},
          {"scores", std::move(scored)},
          {"layers", std::move(layers)}};
}

}  // namespace fissile::unravel
