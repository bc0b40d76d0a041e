#include "speed_command.hpp"

#include "places.hpp"
#include "precision.hpp"
#include "speed_report.hpp"
#include "synthetic_model.hpp"
#include "workers.hpp"

#include <filesystem>

namespace fissile::unravel {

namespace {

template <class Source>
void measure(Source& source, const std::string& name, const speed_settings& chosen, const speed_words& asked) {
  const std::vector<speed_row> rows = measure_speed(source, chosen, style_of_stderr());
  const speed_subject of{.model = name, .sizes = source.sizes(), .settings = chosen};
  fmt::print("{}", speed_text(of, rows));
  if (asked.json.empty()) return;
  write_json(asked.json, speed_json(of, rows));
  fmt::print("\n{} is written.\n", asked.json);
}

}  // namespace

void run_speed(const speed_words& asked) {
  if (!asked.model.empty() && !asked.synthetic.empty()) {
    fail<setting_error>({.argument = "--synthetic", .expected = "a file or a synthetic model", .got = "both"});
  }
  const std::string usual = asked.synthetic.empty() ? "float" : "bf16";
  const speed_settings chosen{
      .experts = asked.experts,
      .threads = threads_or_cores(asked.threads),
      .element = engine::packing_named(asked.element.empty() ? usual : asked.element, "--element"),
      .seconds = asked.seconds,
      .prompt = asked.prompt,
      .seed = asked.seed};
  if (!asked.synthetic.empty()) {
    if (!asked.texts.empty()) {
      fail<setting_error>({.argument = "--text", .expected = "a model that has learned", .got = "random weights"});
    }
    synthetic_model source = synthetic_model_named(asked.synthetic, asked.seed);
    return measure(source, asked.synthetic + " of random weights", chosen, asked);
  }
  const std::string path = asked.model.empty() ? default_model() : asked.model;
  const engine::model<float> source{path};
  const corpus texts = corpus_of_arguments(asked.texts);
  measure(source, std::filesystem::path{path}.filename().string(), chosen, asked);
  if (texts.texts.empty()) return;
  thread_pool pool{chosen.threads};
  fmt::print("{}", precision_text(measure_precision(source, chosen.element, texts, pool), chosen.element));
}

}  // namespace fissile::unravel
