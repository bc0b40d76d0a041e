// Everything that decides one run of the robustness experiment, and its command line.
#pragma once

#include <models/training_settings.hpp>

#include <CLI/CLI.hpp>

#include <array>
#include <string>

#include "measure.hpp"

namespace fissile::examples {

inline constexpr std::array noise_levels{robustness::noise_level::character, robustness::noise_level::word,
                                         robustness::noise_level::multi};

struct run_settings {
  training_settings training;   // steps 0: the model as it is
  std::string language;         // that is trained on
  std::string level = "multi";  // of its noise; "clean": none
  double rate = 0.1;            // of characters and of words
  measure_settings measure;
  std::string json = "row.json";

  robustness::choices noise(robustness::noise_level which) const {
    robustness::choices made{.level = which};
    made.characters.rate = made.words.rate = rate;
    return made;
  }
  /// Of training.
  noise_choice trained_noise() const {
    for (const robustness::noise_level one : noise_levels) {
      if (robustness::to_string(one) == level) return noise(one);
    }
    return std::nullopt;
  }
};

/// Ends the program after --help and on words it does not know.
inline run_settings parse_run(int count, char** words) {
  run_settings run;
  training_settings& training = run.training;
  training.model = {.width = 128, .layers = 4, .heads = 4, .neurons = 512, .context = 512};
  training.peak_rate = 3e-4;
  training.warmup = 10;
  training.steps = 40;
  training.batch = 4;
  training.cores = 1;
  training.from = "examples/models/babel-half.gguf";
  CLI::App app{
      "Trains a model on one language's text with noise in it, and measures every language, clean and noised."};
  app.option_defaults()->always_capture_default();
  app.add_option("--guide", training.guide, "folder of the guide, or where its package was unpacked");
  app.add_option("--from", training.from, "GGUF file of a dense model, of the sizes below");
  app.add_option("--language", run.language, "that is trained on, as the guide names it; without: no training");
  app.add_option("--level", run.level, "of the noise that is trained on; clean: none")
      ->check(CLI::IsMember({"clean", "character", "word", "multi"}));
  app.add_option("--rate", run.rate, "of the noise")->check(CLI::Range(0.0, 1.0));
  app.add_option("--peak-rate", training.peak_rate, "learning rate");
  app.add_option("--steps", training.steps);
  app.add_option("--batch", training.batch, "windows in a step");
  app.add_option("--seed", training.seed, "of the noise and the windows of training");
  app.add_option("--passages", run.measure.passages, "of each language that are measured");
  app.add_option("--measure-seed", run.measure.seed, "of the noise that is measured");
  app.add_option("--width", training.model.width);
  app.add_option("--layers", training.model.layers);
  app.add_option("--heads", training.model.heads);
  app.add_option("--neurons", training.model.neurons);
  app.add_option("--json", run.json, "where the row goes");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  check(training);
  if (run.language.empty()) training.steps = 0;
  return run;
}

}  // namespace fissile::examples
