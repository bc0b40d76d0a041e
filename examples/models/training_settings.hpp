// Everything that decides a training run, and the command line that sets it.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "llama_module.hpp"

namespace fissile::examples {

struct training_settings {
  llama_settings model;
  std::string guide;
  std::string out = "babel.gguf";
  std::string from;  // empty: from random weights
  std::string checkpoint;
  bool resume = false;
  std::string products = "float";
  std::int64_t steps = 10000;
  std::int64_t batch = 6;
  std::int64_t translations = 3;  // of ten windows; the others are plain pages
  std::int64_t instructions = 0;
  std::int64_t warmup = 200;
  double peak_rate = 3e-3;
  double weight_decay = 0.1;
  std::uint64_t seed = 1;
  std::size_t cores = 2;
  double until_minutes = 0.0;  // 0: by steps alone
  double report_minutes = 10.0;
};

inline void check(const training_settings& chosen) {
  const auto& model = chosen.model;
  if (model.heads < 1 || model.width % model.heads != 0 || model.head_size() % 2 != 0) {
    throw std::runtime_error("--width " + std::to_string(model.width) + " in --heads " + std::to_string(model.heads) +
                             ": expected an even head size; choose a width that is an even multiple of the heads");
  }
  if (model.neurons % 32 != 0) {
    throw std::runtime_error("--neurons " + std::to_string(model.neurons) +
                             ": expected a multiple of 32, so that they split into even experts");
  }
  if (chosen.translations < 0 || chosen.instructions < 0 || chosen.translations + chosen.instructions > 10) {
    throw std::runtime_error("--translations " + std::to_string(chosen.translations) + " --instructions " +
                             std::to_string(chosen.instructions) + ": expected at most ten of ten windows");
  }
  if (chosen.resume && chosen.checkpoint.empty()) throw std::runtime_error("--resume needs --checkpoint FILE");
}

// Ends the program after --help and on words it does not know.
inline training_settings parse_training(int count, char** words) {
  training_settings chosen;
  CLI::App app{"Trains a byte-level model on the Debian installation guide (package installation-guide-amd64)."};
  app.option_defaults()->always_capture_default();
  app.add_option("--guide", chosen.guide, "folder of the guide, or where its package was unpacked");
  app.add_option("--out", chosen.out, "the GGUF file to write");
  app.add_option("--from", chosen.from, "go on from the weights of this GGUF file, of the same settings");
  app.add_option("--translations", chosen.translations, "windows of ten that hold translation documents");
  app.add_option("--instructions", chosen.instructions, "windows of ten that hold instructions with their answers");
  app.add_option("--checkpoint", chosen.checkpoint, "file to keep the state of training in");
  app.add_flag("--resume", chosen.resume,
               "go on from the checkpoint; one of a finished run is scored and written again");
  app.add_option("--width", chosen.model.width, "of the hidden state");
  app.add_option("--layers", chosen.model.layers);
  app.add_option("--heads", chosen.model.heads);
  app.add_option("--neurons", chosen.model.neurons, "in each feed-forward layer");
  app.add_option("--context", chosen.model.context, "bytes in a window");
  app.add_option("--products", chosen.products, "arithmetic of the large products; bfloat16 needs AMX or AVX512-BF16")
      ->check(CLI::IsMember({"float", "bfloat16"}));
  app.add_option("--steps", chosen.steps);
  app.add_option("--batch", chosen.batch, "windows in a step");
  app.add_option("--warmup", chosen.warmup, "steps until the peak rate");
  app.add_option("--peak-rate", chosen.peak_rate, "learning rate");
  app.add_option("--weight-decay", chosen.weight_decay, "of the matrices");
  app.add_option("--seed", chosen.seed);
  app.add_option("--cores", chosen.cores)->check(CLI::PositiveNumber);
  app.add_option("--until-minutes", chosen.until_minutes,
                 "end by the clock at the latest; not reproducible to the bit");
  app.add_option("--report-minutes", chosen.report_minutes, "between two scores and checkpoints");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  chosen.model.products = chosen.products == "float" ? torch::kFloat : torch::kBFloat16;
  check(chosen);
  return chosen;
}

}  // namespace fissile::examples
