#include "prune_command.hpp"

#include "calibrate.hpp"
#include "imatrix_input.hpp"
#include "prune_report.hpp"
#include "prune_scores.hpp"
#include "prune_words.hpp"
#include "prune_written.hpp"
#include "targets.hpp"

#include <algorithm>

namespace fissile::unravel {

namespace {

void tell_files(const prune_outcome& done, const std::string& target) {
  const std::uint64_t saved = done.bytes_before - std::min(done.bytes_before, done.bytes_after);
  fmt::print("\nWhole files\nparameters {} -> {}\nbytes {} -> {}, {} saved\nneurons a layer {} -> {}\n",
             done.parameters_before, done.parameters_after, done.bytes_before, done.bytes_after, saved,
             done.width_before, done.width_after);
  if (done.padded_layers > 0) {
    fmt::print("Layers were left with different widths: {} were padded with zero neurons to the widest, {}.\n",
               done.padded_layers, done.width_after);
  }
  if (done.widened_layers > 0) {
    fmt::print("Not written in the type they came in: {} layers have F32 matrices now.\n", done.widened_layers);
  }
  fmt::print("{} is written, and loads.\n", target);
}

void prune_by_verdict(const prune_words& asked) {
  const prune_outcome done = prune_file(asked.model, asked.verdict, asked.target, widths_named(asked.widths));
  fmt::print("Feed-forward layers\n{}", to_string(done.report));
  tell_files(done, asked.target);
}

/// By texts, or by what others have measured with theirs.
pruned_model prune(const prune_words& asked, const engine::model<float>& weights, const corpus& texts) {
  const prune_plan plan = plan_of(asked);
  if (!asked.imatrix.empty()) return prune_model(weights, read_imatrix(asked.imatrix), plan, style_of_stderr());
  calibration_texts read{.samples = samples_of(texts, weights, asked.bytes)};
  if (!asked.against.empty()) read.against = samples_of(corpus_of_arguments(asked.against), weights, asked.bytes);
  if (!asked.save_imatrix.empty()) {
    write_imatrix(asked.save_imatrix, measure_imatrix(weights, read.samples, style_of_stderr()));
    fmt::print("{} is written.\n", asked.save_imatrix);
  }
  return prune_model(weights, read, plan, style_of_stderr());
}

void prune_by_texts(const prune_words& asked) {
  plan_of(asked);  // refused before a model is read
  if (widths_named(asked.widths) == layer_widths::deci && asked.scored_bytes > 0) {
    fail<setting_error>({.argument = "--scored-bytes",
                         .expected = "0 with --widths deci: the engine here reads layers of equal width",
                         .got = std::to_string(asked.scored_bytes),
                         .cure = "score what --widths padded writes, which computes the same"});
  }
  std::vector<std::string> inputs = files_of_model(asked.model, {asked.imatrix});
  add_text_files(inputs, asked.texts);
  add_text_files(inputs, asked.against);
  check_targets(inputs, {{"--out", asked.target}, {"--json", asked.json}, {"--save-imatrix", asked.save_imatrix}});
  const engine::model<float> weights{asked.model};
  const bool unread = !asked.imatrix.empty() && asked.texts.empty() && asked.scored_bytes == 0;
  const corpus texts = unread                ? corpus{}
                       : asked.texts.empty() ? default_corpus({.guide = asked.guide, .folders = text_folders()})
                                             : corpus_of_arguments(asked.texts);
  const pruned_model done = prune(asked, weights, texts);
  const prune_outcome files = write_pruned(done, asked.target, widths_named(asked.widths));
  fmt::print("{}\n{} samples, {} tokens\n\n{}\n", done.report.plan, done.report.read.samples(),
             done.report.read.positions(), to_plain_text(layer_table(done.report)));
  if (done.report.masks.matrices > 0) {
    fmt::print("{}No byte is saved; --neurons and --experts really remove.\n", to_string(done.report.masks));
  } else {
    fmt::print("Feed-forward layers, in float\n{}", to_string(done.report.cost));
  }
  tell_files(files, asked.target);
  std::vector<pruned_score> scores;
  if (asked.scored_bytes > 0) {
    scores = score_pruned(weights, engine::model<float>{asked.target}, texts, asked.scored_bytes);
    fmt::print("\n{}", to_plain_text(score_table(scores)));
  }
  if (!asked.json.empty()) {
    write_json(asked.json, prune_json(done.report, files, scores));
    fmt::print("{} is written.\n", asked.json);
  }
}

}  // namespace

void run_prune(const prune_words& asked) {
  if (asked.verdict.empty() == asked.score.empty()) {
    fail<setting_error>({.argument = "prune",
                         .expected = "a --verdict of a study, or a --score to prune by",
                         .got = asked.verdict.empty() ? "neither" : "both",
                         .cure = "write --score wanda --text en=FILE --rate 0.5"});
  }
  asked.verdict.empty() ? prune_by_texts(asked) : prune_by_verdict(asked);
}

}  // namespace fissile::unravel
