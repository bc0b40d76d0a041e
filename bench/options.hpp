// What every bench can be told on its command line.
#pragma once

#include <fissile/base/index.hpp>
#include <fissile/pack/instruction_set.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace fissile::bench {

struct layer_shape {
  index_t width = 0;
  index_t neurons = 0;
  index_t experts = 0;
};

struct options {
  index_t width = 0;
  index_t neurons = 0;
  index_t experts = 0;
  std::vector<double> active;
  std::vector<index_t> batch;
  std::vector<index_t> threads = {1};
  std::vector<std::string> element = {"float"};
  std::string isa = "auto";
  std::string json;
  std::vector<std::string> peers = {"onednn", "openblas", "eigen", "grouped_eigen", "ggml", "dense_panels"};
  int rounds = 15;
  int patience = 8;

  /// The shapes asked for, `shapes` where none was; experts of about 128 neurons unless their number was given.
  std::vector<layer_shape> layers(std::vector<layer_shape> shapes) const {
    if (width > 0 || neurons > 0) {
      const layer_shape first = shapes.front();
      shapes = {{width > 0 ? width : first.width, neurons > 0 ? neurons : first.neurons, 0}};
    }
    for (layer_shape& shape : shapes) {
      if (experts > 0) shape.experts = experts;
      if (shape.experts == 0) shape.experts = std::max<index_t>(1, shape.neurons / 128);
    }
    return shapes;
  }
  instruction_set instructions() const {
    for (const instruction_set set : all_instruction_sets) {
      if (isa == name_of(set)) return set;
    }
    return best_instruction_set();
  }
  bool with(const std::string& peer) const { return std::find(peers.begin(), peers.end(), peer) != peers.end(); }
};

/// Reads them; the program ends by itself where they are wrong, or where help was asked for. `preset` holds the
/// program's own defaults.
inline options read_options(int count, char** arguments, const std::string& about, options preset) {
  CLI::App app(about);
  const CLI::Range positive(index_t{1}, index_t{1} << 24);
  app.add_option("--width", preset.width, "Features of a token")->check(positive);
  app.add_option("--neurons", preset.neurons, "Neurons of the layer")->check(positive);
  app.add_option("--experts", preset.experts, "Experts; else neurons / 128")->check(positive);
  app.add_option("--active", preset.active, "Share of the experts that each token uses; several: 1,0.5,0.25")
      ->delimiter(',')
      ->check(CLI::Range(0.0, 1.0));
  app.add_option("--batch", preset.batch, "Tokens in a call; several allowed")->delimiter(',')->check(positive);
  app.add_option("--threads", preset.threads, "Threads; several allowed")->delimiter(',')->check(positive);
  app.add_option("--element", preset.element, "What weights are stored in; several allowed")
      ->delimiter(',')
      ->check(CLI::IsMember({"float", "bf16", "bf16_dot", "f16", "int8"}));
  app.add_option("--isa", preset.isa, "Instruction set of our kernels")
      ->check(CLI::IsMember({"auto", "avx512_bf16", "avx512", "avx2", "base"}));
  app.add_option("--json", preset.json, "Write the rows to this file, too");
  app.add_option("--peers", preset.peers, "Whom to compare with; also: borrowed, none")
      ->delimiter(',')
      ->check(
          CLI::IsMember({"onednn", "openblas", "eigen", "grouped_eigen", "ggml", "dense_panels", "borrowed", "none"}));
  app.add_option("--rounds", preset.rounds, "Samples of each row, of which the median is told")->check(positive);
  app.add_option("--patience", preset.patience, "How often a disturbed sample is taken again")
      ->check(CLI::NonNegativeNumber);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& wrong) {
    std::exit(app.exit(wrong));
  }
  return preset;
}

}  // namespace fissile::bench
