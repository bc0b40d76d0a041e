#include "analyse_command.hpp"

#include "analyse_files.hpp"
#include "analyse_guide.hpp"
#include "places.hpp"
#include "save_study.hpp"

namespace fissile::unravel {

namespace {

corpus texts_of(const analyse_words& asked) {
  if (!asked.texts.empty() && !asked.guide.empty()) {
    fail<setting_error>({.argument = "--guide", .expected = "texts or the guide", .got = "both"});
  }
  if (!asked.texts.empty()) return corpus_of_arguments(asked.texts);
  if (asked.settings.order == line_order::parallel) return parallel_guide(asked.guide);
  return default_corpus({.guide = asked.guide, .folders = text_folders()});
}

}  // namespace

void run_analyse(const analyse_words& asked, const std::string& command) {
  const std::string path = asked.model.empty() ? default_model() : asked.model;
  const corpus texts = texts_of(asked);
  const engine::model<float> weights{path};
  const analysis plan{weights, texts, asked.settings};
  make_folder(asked.folder);
  const analysis_result done = plan.run(style_of_stderr());
  const analysed_model of{.command = command, .path = path, .opening = opening_of(engine::tokenizer{weights.file()})};
  save_analysis(done, of, asked.folder);
  fmt::print("{}", analysis_report{done, of}.summary());
  fmt::print("Written to {}: report.md, analysis.json, neurons.csv and four pictures\n", asked.folder);
}

}  // namespace fissile::unravel
