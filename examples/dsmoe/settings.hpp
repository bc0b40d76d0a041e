// Everything that decides one run of DSMoE or of what it is compared with, and the command line that sets it.
#pragma once

#include <models/training_settings.hpp>

#include <CLI/CLI.hpp>

#include <map>
#include <string>
#include <vector>

#include "warm_start.hpp"

namespace fissile::examples {

struct run_settings {
  training_settings training;  // of the data, the model's sizes, and AdamW
  moe_settings moe;
  warm_settings warm;
  std::string variant = "dsmoe";
  std::string json = "row.json";
  std::string save;  // where the trained model goes; empty: nowhere
  double threshold = 0.5;
  double router_rate = 0;     // 0: the rate of the other weights
  double target = 0;          // share of active experts that a controller leads the penalty to; 0: as the paper, none
  double gain = 0.5;          // of that controller
  std::int64_t windows = 16;  // that Wanda and SparseGPT look at
  std::int64_t stride = 4;    // every so many held-out windows are scored
};

inline const std::vector<std::string>& variants() {
  static const std::vector<std::string> all{"dense", "blocks", "wanda",      "sparsegpt",
                                            "top_k", "dsmoe",  "dsmoe_hard", "dsmoe_sigmoid"};
  return all;
}

/// What the words mean for the model: `dsmoe_hard` lacks the straight-through rule, `dsmoe_sigmoid` learns without a
/// threshold and gets one afterwards.
inline void settle(run_settings& run) {
  dsmoe::choices& gates = run.moe.gates.chosen;
  gates.seed = run.training.seed;
  gates.threshold = static_cast<float>(run.threshold);
  if (run.variant == "top_k") run.moe.kind = ffn_kind::top_k;
  if (run.variant.starts_with("dsmoe")) run.moe.kind = ffn_kind::dsmoe;
  if (run.variant == "dsmoe_hard") run.moe.gates.slope = gate_slope::hard;
  if (run.variant == "dsmoe_sigmoid") {
    gates.threshold = -1;  // every gate is above it: G(v) = v, all n of n work
    gates.penalty = 0;
  }
}

/// Ends the program after --help and on words it does not know.
inline run_settings parse_run(int count, char** words) {
  run_settings run;
  training_settings& training = run.training;
  training.model = {.width = 128, .layers = 4, .heads = 4, .neurons = 512, .context = 512};
  training.peak_rate = 1e-3;
  training.warmup = 20;
  training.steps = 325;
  training.cores = 1;
  training.from = "examples/models/babel-half.gguf";
  CLI::App app{"Continues a model on the Debian installation guide with one kind of feed-forward layer."};
  app.option_defaults()->always_capture_default();
  app.add_option("--guide", training.guide, "folder of the guide, or where its package was unpacked");
  app.add_option("--from", training.from, "GGUF file of a dense model, of the sizes below");
  app.add_option("--variant", run.variant)->check(CLI::IsMember(variants()));
  app.add_option("--experts", run.moe.gates.chosen.experts, "n, in each layer");
  app.add_option("--active", run.moe.active, "experts that top_k, blocks and masks leave active");
  app.add_option("--threshold", run.threshold, "tau, strict");
  app.add_option("--penalty", run.moe.gates.chosen.penalty, "of active experts; the paper has 1");
  app.add_option("--target", run.target, "share of active experts to lead the penalty to; 0: none, as the paper");
  app.add_option("--gain", run.gain, "how fast the penalty follows the target");
  const std::map<std::string, gate_push> pushes{{"active", gate_push::active}, {"all", gate_push::all}};
  app.add_option("--pushed", run.moe.gates.pushed, "gates that the penalty pushes down")
      ->transform(CLI::CheckedTransformer(pushes));
  const std::map<std::string, neuron_order> orders{{"stored", neuron_order::stored},
                                                   {"clusters", neuron_order::clusters}};
  app.add_option("--order", run.warm.order, "neurons that stand together")->transform(CLI::CheckedTransformer(orders));
  const std::map<std::string, gate_start> starts{{"random", gate_start::random}, {"distilled", gate_start::distilled}};
  app.add_option("--start", run.warm.gates, "of the gates")->transform(CLI::CheckedTransformer(starts));
  app.add_option("--sharpness", run.warm.sharpness, "that distilled gates are multiplied by");
  app.add_option("--start-steps", run.warm.steps, "of the distillation of the gates");
  app.add_option("--gate-scale", run.moe.gates.chosen.init_scale, "of the random gates; 0: 1 / sqrt(width)");
  app.add_option("--router-rate", run.router_rate, "learning rate of the gates; 0: as the others");
  app.add_option("--peak-rate", training.peak_rate, "learning rate");
  app.add_option("--steps", training.steps);
  app.add_option("--batch", training.batch, "windows in a step");
  app.add_option("--seed", training.seed, "of gates, windows and lots");
  app.add_option("--width", training.model.width);
  app.add_option("--layers", training.model.layers);
  app.add_option("--heads", training.model.heads);
  app.add_option("--neurons", training.model.neurons);
  app.add_option("--windows", run.windows, "that Wanda and SparseGPT look at");
  app.add_option("--stride", run.stride, "every so many held-out windows are scored");
  app.add_option("--json", run.json, "where the row goes");
  app.add_option("--save", run.save, "GGUF file for the trained model and its gates");
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  check(training);
  settle(run);
  return run;
}

}  // namespace fissile::examples
