#include "gated_command.hpp"

#include "gated_report.hpp"
#include "places.hpp"
#include "workers.hpp"

#include <fissile/file/atomic_file.hpp>

#include <filesystem>

namespace fissile::unravel {

namespace {

examples::saved_gates gates_of(const engine::model<float>& weights, const std::string& path) {
  auto gates = examples::read_gates(weights.file(), weights.sizes().layers, weights.sizes().width);
  if (!gates) {
    fail<file_error>({.argument = path,
                      .expected = "a model with gates, fissile.dsmoe.experts",
                      .got = "none",
                      .cure = "train_dsmoe --save writes one; `unravel speed` measures models without gates"});
  }
  return *gates;
}

}  // namespace

void run_gated(const gated_words& asked) {
  const engine::model<float> weights{asked.model};
  examples::saved_gates gates = gates_of(weights, asked.model);
  const corpus texts = asked.texts.empty() ? default_corpus({.guide = asked.guide, .folders = text_folders()})
                                           : corpus_of_arguments(asked.texts);
  const std::vector<gated_text> read = gated_texts(texts, asked.bytes, weights);
  const gated_subject of{.model = std::filesystem::path{asked.model}.filename().string(),
                         .experts = gates.chosen.experts,
                         .speed = {.experts = gates.chosen.experts,
                                   .threads = threads_or_cores(asked.threads),
                                   .element = engine::packing_named(asked.element, "--element"),
                                   .seconds = asked.seconds,
                                   .prompt = asked.prompt}};
  engine::with_packing(of.speed.element, [&]<class T>(std::type_identity<T>, pack_settings panels) {
    const engine::packed_model<T> split{weights, {.experts = of.experts, .panels = panels}};
    const engine::packed_model<T> dense{weights, {.experts = 1, .panels = panels}};
    thread_pool pool{of.speed.threads};
    const float trained = gates.chosen.threshold;
    std::vector<double> thresholds = asked.thresholds;
    if (thresholds.empty()) thresholds.push_back(static_cast<double>(trained));
    std::vector<gated_row> rows;
    for (const double threshold : thresholds) {
      gates.chosen.threshold = static_cast<float>(threshold);
      for (gated_row& row : score_gated(split, gates, read, pool)) rows.push_back(std::move(row));
    }
    gates.chosen.threshold = static_cast<float>(thresholds.front());
    const std::vector<speed_row> speed = measure_gated_speed(dense, split, gates, read.front(), of.speed);
    fmt::print("{}: {} experts a layer behind gates, packed as {}, {} threads\n\n{}\n{}\n{}", of.model, of.experts,
               engine::name_of(of.speed.element), of.speed.threads, sweep_text(rows), languages_text(rows),
               gated_speed_text(speed));
    if (!asked.json.empty()) write_json(asked.json, gated_json(of, rows, speed));
    if (!asked.figure.empty()) write_file_atomically(asked.figure, to_svg(gated_map(of, rows)));
  });
}

}  // namespace fissile::unravel
