// Everything that decides one run, and the command line that sets it.
#pragma once

#include <models/llama_module.hpp>

#include <fissile/recipes/landermt.hpp>

#include <CLI/CLI.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pair_windows.hpp"

namespace fissile::examples {

struct run_settings {
  llama_settings model{.width = 128, .layers = 4, .heads = 4, .neurons = 512, .context = 512};
  landermt::choices chosen;
  std::string guide;
  std::string from = "examples/models/babel-half.gguf";
  std::string variant = "detected";
  std::string pair = "en-de";
  std::string json = "row.json";
  predicted_lines lines = predicted_lines::both;
  std::int64_t steps = 32;
  std::int64_t batch = 6;
  std::int64_t warmup = 8;
  double rate = 2e-4;  // after the warm-up it stays
  double weight_decay = 0.1;
  std::uint64_t seed = 1;
  index_t detection = 6;   // windows of each pair that detection reads
  index_t scored = 10;     // held-out windows of each pair
  std::int64_t plain = 2;  // held-out windows of each language's plain text
};

/// What learns: everything; the feed-forward layers; neurons that LANDeRMT finds, general and the pair's own; its own
/// alone; the sibling's top neurons; those found in relevant layers only; and as many by lot.
inline const std::vector<std::string>& variants() {
  static const std::vector<std::string> all{"everything", "ffn",        "detected", "random",
                                            "top",        "random_top", "specific", "relevant"};
  return all;
}

/// Ends the program after --help and on words it does not know.
inline run_settings parse_run(int count, char** words) {
  run_settings run;
  std::vector<std::string> pairs;
  for (const language_pair& pair : language_pairs()) pairs.push_back(pair.name());
  CLI::App app{"Trains a small model on aligned paragraphs of one pair of languages, or some of its neurons alone."};
  app.option_defaults()->always_capture_default();
  app.add_option("--guide", run.guide, "folder of the guide, or where its package was unpacked");
  app.add_option("--from", run.from, "GGUF file of a model of width 128, 4 layers of 512 neurons, 4 heads");
  app.add_option("--variant", run.variant, "what learns")->check(CLI::IsMember(variants()));
  app.add_option("--pair", run.pair)->check(CLI::IsMember(pairs));
  app.add_option("--seed", run.seed, "of windows and lots");
  const std::map<std::string, predicted_lines> lines{{"both", predicted_lines::both},
                                                     {"second", predicted_lines::second}};
  app.add_option("--lines", run.lines, "that the pair's loss counts")->transform(CLI::CheckedTransformer(lines));
  app.add_option("--steps", run.steps);
  app.add_option("--batch", run.batch, "windows in a step");
  app.add_option("--warmup", run.warmup, "steps until the full rate");
  app.add_option("--rate", run.rate, "learning rate");
  app.add_option("--weight-decay", run.weight_decay, "of matrices");
  app.add_option("--general", run.chosen.general, "share of a layer's neurons that are general");
  app.add_option("--owned", run.chosen.owned, "of the largest awareness: a pair above it owns the neuron");
  app.add_option("--top", run.chosen.top, "share of a layer's neurons that are top");
  app.add_option("--layers", run.chosen.layers, "relevant ones");
  app.add_option("--detection", run.detection, "windows of each pair that detection reads");
  app.add_option("--scored", run.scored, "held-out windows of each pair that are scored");
  app.add_option("--plain", run.plain, "held-out windows of each language's plain text that are scored");
  app.add_option("--json", run.json, "where the row goes");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return run;
}

}  // namespace fissile::examples
