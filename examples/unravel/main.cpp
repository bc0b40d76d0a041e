// unravel: which experts of a language model work for which language, and what it costs to do without them.
#include "convert_command.hpp"
#include "distil_command.hpp"
#include "gated_command.hpp"
#include "places.hpp"
#include "prune_command.hpp"
#include "reckoning.hpp"
#include "report.hpp"
#include "save_study.hpp"
#include "speed_command.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using namespace fissile;
using namespace fissile::unravel;

struct study_words {
  std::string model;
  std::vector<std::string> texts;
  std::string guide;
  std::string folder = "study";
  study_settings settings;
};

/// As it can be typed again.
std::string command_line(int count, char** words) {
  std::string line = "unravel";
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const bool plain = !word.empty() && word.find_first_of(" \t\n\"'\\$`*?&|;<>(){}[]~#!") == std::string::npos;
    std::string quoted;
    for (const char letter : word) letter == '\'' ? quoted.append("'\\''") : quoted.append(1, letter);
    line += plain ? fmt::format(" {}", word) : fmt::format(" '{}'", quoted);
  }
  return line;
}

void run_study(const study_words& asked, const std::string& command) {
  const std::string path = asked.model.empty() ? default_model() : asked.model;
  if (!asked.texts.empty() && !asked.guide.empty()) {
    fail<setting_error>({.argument = "--guide", .expected = "texts or the guide", .got = "both"});
  }
  const corpus texts = asked.texts.empty() ? default_corpus({.guide = asked.guide, .folders = text_folders()})
                                           : corpus_of_arguments(asked.texts);
  const engine::model<float> weights{path};
  study_settings settings = asked.settings;
  if (settings.bytes == 0) settings.bytes = default_bytes(weights, length(texts.texts));
  const study plan{weights, texts, settings};
  make_folder(asked.folder);
  const study_result done = plan.run(style_of_stderr());

  const study_report report{done,
                            {.command = command,
                             .model = path,
                             .sizes = weights.sizes(),
                             .opening = opening_of(engine::tokenizer{weights.file()})}};
  save_study(done, std::filesystem::path{path}.filename().string(), report.markdown(), asked.folder);
  fmt::print("{}", report.summary());
  fmt::print("Written to {}: report.md, study.json, heatmap.svg, counts.json, counts.csv, verdicts/\n", asked.folder);
}

void add_options(CLI::App& command, prune_words& pruned) {
  command.add_option("MODEL", pruned.model, "a GGUF file of a LLaMA model; with --verdict the one that was studied")
      ->required();
  command.add_option("--verdict", pruned.verdict, "a file of the study's verdicts/: removes the experts it names");
  command.add_option("--score", pruned.score,
                     "or prunes by the texts it reads: magnitude, wanda, wanda_ratio, sparsegpt or random");
  command.add_option("--text", pruned.texts, "LANGUAGE=FILE, may be repeated; its odd blocks are read [as study]")
      ->allow_extra_args(false);
  command.add_option("--guide", pruned.guide, "where the package installation-guide-amd64 was unpacked");
  command.add_option("--against", pruned.against, "LANGUAGE=FILE, what wanda_ratio divides by; may be repeated")
      ->allow_extra_args(false);
  command.add_option("--rate", pruned.rate, "share that goes, of each row's weights, or of neurons or experts");
  command.add_option("--nm", pruned.groups, "N:M instead: N of every M weights go");
  prune_plan& plan = pruned.plan;
  command.add_flag_callback(
      "--neurons", [&plan] { plan.unit = removed_unit::neurons; }, "whole neurons go: the file gets smaller");
  command.add_option("--experts", plan.experts, "whole experts go, of so many in each layer")
      ->check(CLI::PositiveNumber);
  command.add_flag_callback(
      "--sequential", [&plan] { plan.pass = pruning_pass::sequential; },
      "each layer is judged by what the pruned ones before it hand on");
  command.add_flag_callback(
      "--refit", [&plan] { plan.refit = refitting::down; }, "down is fitted anew for neurons that went");
  command.add_flag_callback(
      "--feed-forward-only", [&plan] { plan.reach = pruned_reach::feed_forward; }, "weights of attention stay");
  command
      .add_option("--budget", pruned.budget,
                  "what each layer gives up: uniform, owl (less the more outliers), level (less the more goes on)")
      ->capture_default_str();
  command.add_option("--per", pruned.per, "of owl: block, or matrix")->capture_default_str();
  command.add_option("--lambda", plan.budget.lambda, "rates of layers lie within rate +- lambda")
      ->capture_default_str();
  command.add_option("--above", plan.budget.multiple, "of owl: outliers are scores above so many times their mean")
      ->capture_default_str();
  command.add_option("--bytes", pruned.bytes, "read of each text")->check(CLI::PositiveNumber)->capture_default_str();
  command
      .add_option("--scored-bytes", pruned.scored_bytes,
                  "of each text's even blocks: bits per byte before and after [none]")
      ->check(CLI::PositiveNumber);
  command.add_option("--seed", plan.seed, "of --score random")->capture_default_str();
  command
      .add_option("--widths", pruned.widths,
                  "of layers that are left unequal: padded to the widest, equal (or refused), or deci, llama.cpp's "
                  "architecture with a width for each layer")
      ->capture_default_str();
  command.add_option("--json", pruned.json, "a file to write the layers' report into");
  command.add_option("--imatrix", pruned.imatrix, "an importance matrix, what others have measured, in place of texts");
  command.add_option("--save-imatrix", pruned.save_imatrix, "a file for what the texts measure, as llama.cpp reads it");
  command.add_option("--out", pruned.target, "the GGUF file to write")->required();
}

void add_options(CLI::App& command, convert_words& asked) {
  command.add_option("IN", asked.model, "a GGUF file of a dense model: LLaMA, Mistral or Qwen3")->required();
  command.add_option("OUT", asked.target, "the GGUF file to write, or a folder with --target hf")->required();
  command.add_option("--experts", asked.experts, "in each layer, of equal size")
      ->required()
      ->check(CLI::PositiveNumber);
  command.add_option("--active", asked.active, "of them, for each token")->required()->check(CLI::PositiveNumber);
  command
      .add_option("--partition", asked.partition,
                  "which neurons work together: even, shuffled, clusters, coactivation, markers, importance or "
                  "FILE.json")
      ->capture_default_str();
  command.add_option("--imatrix", asked.imatrix, "an importance matrix, for --partition importance");
  command.add_option("--router", asked.router,
                     "zero (where all are active), analytic, distilled, or FILE.gguf of unravel distil [zero where all "
                     "are active, else distilled]");
  command.add_option("--target", asked.kind, "llama.cpp or hf")->capture_default_str();
  command.add_option("--down", asked.down, "write down weights as f32, f16, bf16 or q8_0 [as they are stored]");
  command.add_option("--text", asked.texts, "LANGUAGE=FILE, may be repeated: what routers learn from [as study]")
      ->allow_extra_args(false);
  command.add_option("--guide", asked.guide, "where the package installation-guide-amd64 was unpacked");
  command.add_option("--bytes", asked.bytes, "of each text to learn from, and as many again to score [8192]")
      ->check(CLI::PositiveNumber);
  command.add_option("--spread", asked.logit_spread, "standard deviation of the scores in the file, at most [1/256]")
      ->check(CLI::PositiveNumber);
  command.add_option("--steps", asked.steps, "of learning, a layer")->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--seed", asked.seed, "of shuffled neurons, clusters and learning")->capture_default_str();
  command.add_option("--json", asked.json, "a file to write the report into");
}

void add_options(CLI::App& command, distil_words& learned) {
  distil_plan& plan = learned.plan;
  command.add_option("MODEL", learned.model, "a GGUF file of a LLaMA model [examples/models/babel.gguf]");
  command.add_option("--text", learned.texts, "LANGUAGE=FILE, one for each language [as study]")
      ->allow_extra_args(false);
  command.add_option("--guide", learned.guide, "where the package installation-guide-amd64 was unpacked");
  command.add_option("--experts", plan.experts, "in each layer")->check(CLI::PositiveNumber)->capture_default_str();
  command.add_option("--threshold", learned.threshold, "above which an expert works")->capture_default_str();
  command.add_option("--target-active", plan.shares, "share of active experts to learn for, may be repeated")
      ->allow_extra_args(false)
      ->capture_default_str();
  command.add_flag_callback(
      "--with-experts",
      [&plan] {
        plan.pupils = {taught::routers, taught::experts_too};
      },
      "once more with experts that learn, too");
  command.add_option("--steps", plan.fit.steps, "of learning, a layer")->capture_default_str();
  command.add_option("--batch", plan.fit.batch, "tokens of a step")->capture_default_str();
  command.add_option("--router-rate", plan.fit.router_rate, "of Adam, at first")->capture_default_str();
  command.add_option("--expert-rate", plan.expert_rate, "the same for experts that learn")->capture_default_str();
  command.add_option("--learned-bytes", plan.learned_bytes, "of each language, from its odd blocks")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--scored-bytes", plan.scored_bytes, "of each language, from its even blocks")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--seed", plan.seed, "of rows, batches and lots")->capture_default_str();
  command.add_option("--threads", plan.threads, "[as many as there are cores]")->check(CLI::PositiveNumber);
  command.add_option("--save-every", plan.save_every, "steps, in FILE.state")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command.add_option("--out", learned.target, "the file to write routers into")->required();
  command.add_option("--resume", learned.resume, "FILE.state of a run that was stopped");
  command.add_option("--json", learned.json, "a file to write the rows into");
  command.add_option("--figure", learned.figure, "an SVG file to draw the curve into");
}

}  // namespace

int main(int count, char** words) try {
  CLI::App app{
      "Splits the feed-forward layers of a language model into experts, counts which of them work for which language, "
      "prunes by what was counted, and measures how fast it all runs."};
  app.require_subcommand(1);

  study_words studied;
  CLI::App& study_command =
      *app.add_subcommand("study", "Counts, prunes in every way that is compared, scores, and reports");
  study_command.add_option("MODEL", studied.model, "a GGUF file of a LLaMA model [examples/models/babel.gguf]");
  study_command
      .add_option("--text", studied.texts,
                  "LANGUAGE=FILE, one for each language [8 languages: held-out pages of the Debian installation guide "
                  "where it is installed, else examples/texts]")
      ->allow_extra_args(false);
  study_command.add_option("--guide", studied.guide, "where the package installation-guide-amd64 was unpacked");
  study_command.add_option("--experts", studied.settings.experts, "in each layer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  study_command
      .add_option("--active", studied.settings.active, "experts that count as used by a token [a quarter of them]")
      ->check(CLI::PositiveNumber);
  study_command
      .add_option("--bytes", studied.settings.bytes,
                  "of each language, to count and as many again to score [so that it takes two minutes]")
      ->check(CLI::PositiveNumber);
  study_command.add_option("--seed", studied.settings.seed, "of the random judge: this one and the next four")
      ->capture_default_str();
  study_command.add_option("--threads", studied.settings.threads, "[as many as there are cores]")
      ->check(CLI::PositiveNumber);
  study_command.add_option("--out", studied.folder, "folder to write into")->capture_default_str();

  prune_words pruned;
  CLI::App& prune_command = *app.add_subcommand("prune", "Writes a pruned model, by a verdict of a study or by texts");
  add_options(prune_command, pruned);

  speed_words timed;
  CLI::App& speed_command =
      *app.add_subcommand("speed", "Measures tokens a second: dense, split, and with a share of the experts");
  speed_command.add_option("MODEL", timed.model, "a GGUF file of a LLaMA model [examples/models/babel.gguf]");
  speed_command.add_option("--synthetic", timed.synthetic,
                           "instead of a file, random weights of this shape: tinyllama (4 GB of memory as bf16)");
  speed_command.add_option("--experts", timed.experts, "in each layer")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  speed_command.add_option("--threads", timed.threads, "[as many as there are cores]")->check(CLI::PositiveNumber);
  speed_command.add_option("--element", timed.element,
                           "what weights are packed as: float, bf16, f16, int8 or bf16_dot [float; bf16 if synthetic]");
  speed_command.add_option("--seconds", timed.seconds, "for each row, at least")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  speed_command.add_option("--prompt", timed.prompt, "tokens")->check(CLI::PositiveNumber)->capture_default_str();
  speed_command.add_option("--seed", timed.seed, "of the experts drawn, and of synthetic weights")
      ->capture_default_str();
  speed_command.add_option("--text", timed.texts,
                           "LANGUAGE=FILE, may be repeated: also tells what packing costs in bits per byte");
  speed_command.add_option("--json", timed.json, "a file to write the rows into");

  distil_words learned;
  CLI::App& distil_command = *app.add_subcommand(
      "distil", "Teaches routers, layer by layer, to give the dense layers' outputs with a share of the experts");
  add_options(distil_command, learned);

  gated_words gated;
  CLI::App& gated_command =
      *app.add_subcommand("gated", "Reads texts with a model trained with gates, running only what they open");
  add_options(gated_command, gated);

  convert_words converted;
  CLI::App& convert_command = *app.add_subcommand("convert", "Writes a dense model as a mixture that llama.cpp runs");
  add_options(convert_command, converted);

  CLI11_PARSE(app, count, words);
  if (study_command.parsed()) run_study(studied, command_line(count, words));
  if (prune_command.parsed()) run_prune(pruned);
  if (speed_command.parsed()) run_speed(timed);
  if (distil_command.parsed()) run_distil(learned);
  if (convert_command.parsed()) run_convert(converted);
  if (gated_command.parsed()) run_gated(gated);
  return 0;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "unravel: %s\n", problem.what());
  return 1;
}
