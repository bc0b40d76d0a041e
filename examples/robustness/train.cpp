// Makes a small model robust in one language, by training on its text with noise in it, and measures every language,
// clean and noised: one row of docs/results/robustness.md. Without a language the model is measured as it is.
//
// The feed-forward layers run forward and backward through fissile: a Finedeep grid of one is the dense layer.
#include <finedeep/finedeep_model.hpp>

#include <models/batch_gradient.hpp>
#include <models/gguf_import.hpp>
#include <models/memory_settings.hpp>
#include <models/short_training.hpp>

#include <fmt/format.h>

#include <chrono>
#include <iostream>

#include "settings.hpp"

namespace fissile::examples {
namespace {

int train(const run_settings& chosen) {
  keep_freed_memory();
  at::set_num_threads(1);
  torch::manual_seed(chosen.training.seed);
  const auto pages = guide::read_found(chosen.training.guide);
  finedeep_model model{chosen.training.model, {.sublayers = 1, .experts = 1}, routing::none};
  read_gguf(*model.base, chosen.training.from);
  const auto began = std::chrono::steady_clock::now();
  const std::string name = fmt::format("{} {} {}", chosen.language, chosen.level, chosen.training.seed);
  if (chosen.training.steps > 0) {
    const noised_windows windows{pages, chosen.language, chosen.trained_noise(), chosen.training.seed};
    learn(
        model, chosen.training, name, [&](std::int64_t step) { return windows.batch(chosen.training, step); },
        [&](const torch::Tensor& window) { return next_byte_loss(model, window); });
  }
  json_value row;
  row["language"] = chosen.language;
  row["level"] = chosen.training.steps > 0 ? chosen.level : "none";
  row["rate"] = chosen.rate;
  row["seed"] = chosen.training.seed;
  row["steps"] = chosen.training.steps;
  row["tokens"] = chosen.training.steps * chosen.training.batch * chosen.training.model.context;
  for (const robustness::noise_level level : noise_levels) {
    const bool asked =
        chosen.training.steps == 0 || chosen.level == "clean" || robustness::to_string(level) == chosen.level;
    if (!asked) continue;
    row["measured"][std::string(robustness::to_string(level))] =
        measured(model, pages, chosen.noise(level), chosen.measure);
  }
  row["seconds"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  write_json(chosen.json, row);
  fmt::print("{}: {:.0f} seconds\n", name, row["seconds"].get<double>());
  return 0;
}

}  // namespace
}  // namespace fissile::examples

int main(int count, char** words) {
  try {
    return fissile::examples::train(fissile::examples::parse_run(count, words));
  } catch (const std::exception& error) {
    std::cerr << "train_robustness: " << error.what() << '\n';
    return 1;
  }
}
