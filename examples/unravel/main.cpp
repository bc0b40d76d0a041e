// unravel: which experts of a language model work for which language, and what it costs to do without them.
#include "options.hpp"
#include "places.hpp"
#include "reckoning.hpp"
#include "report.hpp"
#include "save_study.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using namespace fissile;
using namespace fissile::unravel;

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

}  // namespace

int main(int count, char** words) try {
  CLI::App app{
      "Splits the feed-forward layers of a language model into experts, counts which of them work for which language, "
      "prunes by what was counted, and measures how fast it all runs."};
  app.require_subcommand(1);

  const auto command = [&app](const char* name, const char* what, auto& words_of) -> const CLI::App& {
    CLI::App& made = *app.add_subcommand(name, what);
    add_options(made, words_of);
    return made;
  };
  study_words studied;
  const CLI::App& study_command =
      command("study", "Counts, prunes in every way that is compared, scores, and reports", studied);
  prune_words pruned;
  const CLI::App& prune_command =
      command("prune", "Writes a pruned model, by a verdict of a study or by texts", pruned);
  convert_words converted;
  const CLI::App& convert_command =
      command("convert", "Writes a dense model as a mixture that llama.cpp runs", converted);
  analyse_words analysed;
  const CLI::App& analyse_command = command(
      "analyse", "What of the model each language hangs on, and how alike languages are in each layer", analysed);
  distil_words learned;
  const CLI::App& distil_command = command(
      "distil", "Teaches routers, layer by layer, to give the dense layers' outputs with a share of the experts",
      learned);
  gated_words gated;
  const CLI::App& gated_command =
      command("gated", "Reads texts with a model trained with gates, running only what they open", gated);
  speed_words timed;
  const CLI::App& speed_command =
      command("speed", "Measures tokens a second: dense, split, and with a share of the experts", timed);

  CLI11_PARSE(app, count, words);
  if (study_command.parsed()) run_study(studied, command_line(count, words));
  if (prune_command.parsed()) run_prune(pruned);
  if (convert_command.parsed()) run_convert(converted);
  if (analyse_command.parsed()) run_analyse(analysed, command_line(count, words));
  if (distil_command.parsed()) run_distil(learned);
  if (gated_command.parsed()) run_gated(gated);
  if (speed_command.parsed()) run_speed(timed);
  return 0;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "unravel: %s\n", problem.what());
  return 1;
}
