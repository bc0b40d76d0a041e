// Everything that decides one training of a Finedeep grid or of the dense model beside it, and its command line.
#pragma once

#include <models/training_settings.hpp>

#include <CLI/CLI.hpp>

#include <map>
#include <string>

#include "finedeep_model.hpp"

namespace fissile::examples {

struct run_settings {
  training_settings training;  // of the data, the model's sizes, and AdamW
  finedeep::choices grid = {.sublayers = 1, .experts = 1};
  routing weights = routing::learned;
  double down_scale = 1;     // of the random `down`; 2 makes up for weights that begin at a half
  std::int64_t matched = 0;  // parameters of a layer that neurons are added for; see widened
  std::string json = "row.json";
  std::int64_t stride = 4;  // every so many held-out windows are scored
};

/// So many neurons that a dense layer has at least as many parameters as a grid with `extra` more than its matrices.
inline std::int64_t widened(const llama_settings& model, std::int64_t extra) {
  const std::int64_t of_neuron = 3 * model.width;
  return model.neurons + (extra + of_neuron - 1) / of_neuron;
}

/// Ends the program after --help and on words it does not know.
inline run_settings parse_run(int count, char** words) {
  run_settings run;
  training_settings& training = run.training;
  training.model = {.width = 128, .layers = 4, .heads = 4, .neurons = 512, .context = 512};
  training.peak_rate = 1.5e-3;
  training.warmup = 90;
  training.steps = 975;
  training.batch = 2;  // few windows, many steps: at a million tokens better than the reverse
  training.cores = 1;
  CLI::App app{"Trains a small model from random weights with Finedeep's layers, or with dense ones."};
  app.option_defaults()->always_capture_default();
  app.add_option("--guide", training.guide, "folder of the guide, or where its package was unpacked");
  app.add_option("--sublayers", run.grid.sublayers, "M");
  app.add_option("--experts", run.grid.experts, "K, of each sub-layer");
  const std::map<std::string, routing> kinds{{"learned", routing::learned}, {"none", routing::none}};
  app.add_option("--routing", run.weights, "none: every expert's weight is 1")
      ->transform(CLI::CheckedTransformer(kinds));
  app.add_option("--init-scale", run.grid.init_scale, "of the random routers; 0: 1 / sqrt(width)");
  app.add_option("--down-scale", run.down_scale, "of the random down; 1: as the dense model's");
  app.add_option("--matched", run.matched, "add neurons for so many vectors of the layer's width: routers and norms");
  app.add_option("--translations", training.translations, "windows of ten that hold translation documents");
  app.add_option("--peak-rate", training.peak_rate, "learning rate");
  app.add_option("--warmup", training.warmup, "steps until the peak rate");
  app.add_option("--steps", training.steps);
  app.add_option("--batch", training.batch, "windows in a step");
  app.add_option("--seed", training.seed, "of weights, routers and windows");
  app.add_option("--width", training.model.width);
  app.add_option("--layers", training.model.layers);
  app.add_option("--heads", training.model.heads);
  app.add_option("--neurons", training.model.neurons);
  app.add_option("--stride", run.stride, "every so many held-out windows are scored");
  app.add_option("--json", run.json, "where the row goes");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  check(training);
  run.grid.seed = training.seed;
  training.model.neurons = widened(training.model, run.matched * training.model.width);
  return run;
}

}  // namespace fissile::examples
