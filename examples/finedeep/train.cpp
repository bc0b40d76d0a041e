// Trains a small model from random weights with one grid of sub-layers and experts, scores it on held-out pages, and
// writes one row: the runs that docs/results/finedeep.md compares. The same seed and steps give the same data and, on
// one machine, the same scores.
#include <fissile/file/json.hpp>

#include <models/held_out_score.hpp>
#include <models/memory_settings.hpp>
#include <models/short_training.hpp>

#include <fmt/format.h>

#include <chrono>
#include <iostream>

#include "settings.hpp"

namespace fissile::examples {
namespace {

/// The share of activations that are not near zero, over all held-out windows and layers, for each bound.
json_value activity(const activity_counts& counts) {
  json_value made = json_value::array();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    made.push_back({{"above", non_sparse_bounds[i]}, {"share", counts[i].rate()}});
  }
  return made;
}

json_value scored(finedeep_model& model, const std::vector<guide::page>& pages, std::int64_t stride) {
  activity_counts counts;
  model.grid.counts = &counts;
  const auto scores = score_held_out(model, pages, 1, stride);
  model.grid.counts = nullptr;
  json_value made;
  made["bits_per_byte"] = mean_bits_per_byte(scores);
  for (const language_score& one : scores) made["languages"][one.language] = one.bits_per_byte();
  made["non_sparse"] = activity(counts);
  return made;
}

int train(const run_settings& chosen) {
  keep_freed_memory();
  at::set_num_threads(1);
  torch::manual_seed(chosen.training.seed);
  const auto pages = guide::read_found(chosen.training.guide);
  const training_windows windows{pages, end_of_text};
  finedeep_model model{chosen.training.model, chosen.grid, chosen.weights};
  model.scale_down(chosen.down_scale);
  const std::string name = fmt::format("{} x {}, {} weights, seed {}", chosen.grid.sublayers, chosen.grid.experts,
                                       model.weights(), chosen.training.seed);
  const auto began = std::chrono::steady_clock::now();
  learn(
      model, chosen.training, name, [&](std::int64_t step) { return next_batch(windows, chosen.training, step); },
      [&](const torch::Tensor& window) { return next_byte_loss(model, window); });
  json_value row = scored(model, pages, chosen.stride);
  row["sublayers"] = chosen.grid.sublayers;
  row["experts"] = chosen.grid.experts;
  row["routing"] = chosen.weights == routing::learned ? "learned" : "none";
  row["neurons"] = chosen.training.model.neurons;
  row["parameters"] = model.weights();
  row["down_scale"] = chosen.down_scale;
  row["seed"] = chosen.training.seed;
  row["steps"] = chosen.training.steps;
  row["tokens"] = chosen.training.steps * chosen.training.batch * chosen.training.model.context;
  row["peak_rate"] = chosen.training.peak_rate;
  row["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  write_json(chosen.json, row);
  fmt::print("{}: {:.3f} bits per byte, {:.3f} of the activations above .1\n", name, row["bits_per_byte"].get<double>(),
             row["non_sparse"][2]["share"].get<double>());
  return 0;
}

}  // namespace
}  // namespace fissile::examples

int main(int count, char** words) {
  try {
    return fissile::examples::train(fissile::examples::parse_run(count, words));
  } catch (const std::exception& error) {
    std::cerr << "train_finedeep: " << error.what() << '\n';
    return 1;
  }
}
