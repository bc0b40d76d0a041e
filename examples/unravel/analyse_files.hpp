// What an analysis writes: all figures as JSON, every hidden neuron's as CSV, and report and pictures; each file
// appears whole or not at all.
#pragma once

#include "analyse_report.hpp"

#include <fissile/file/counts_csv.hpp>
#include <fissile/file/json.hpp>

#include <filesystem>
#include <string>

namespace fissile::unravel {

inline json_value text_json(const analysis_result& done, const analysed_language& one) {
  const text_size& text = done.measure.of(one.language);
  json_value made{{"language", one.language},
                  {"lines", one.lines},
                  {"lines_there", one.there},
                  {"lines_cut", one.cut},
                  {"lines_end_with", shown_piece(one.last_piece)},
                  {"lines_end_so", one.last_lines},
                  {"tokens_predicted", one.tokens},
                  {"bytes_predicted", one.bytes},
                  {"loss", one.loss},
                  {"bits_per_byte", one.bits_per_byte()},
                  {"bytes", text.bytes},
                  {"characters", text.characters},
                  {"tokens", text.tokens},
                  {"bytes_per_character", text.bytes_per_character()},
                  {"tokens_per_character", text.tokens_per_character()},
                  {"bytes_per_line", text.bytes_per_paragraph()},
                  {"tokens_per_line", text.tokens_per_paragraph()}};
  if (done.settings.order == line_order::parallel) {
    made["tokens_against_first"] = done.measure.premium(one.language, done.languages.front().language);
  }
  return made;
}

/// {"language", "layer", "component", "sum", "per_token", "of_whole_text"} for each, languages outermost.
inline json_value importance_json(const analysis_result& done) {
  const component_importance& found = done.found.importance;
  json_value rows = json_value::array();
  for (const std::string& language : done.names()) {
    for (index_t layer = 0; layer < found.layers(); ++layer) {
      for (const component_shape& one : found.components()) {
        const component_place where{layer, one.name};
        rows.push_back({{"language", language},
                        {"layer", layer},
                        {"component", one.name},
                        {"sum", found.of_component(language, where)},
                        {"per_token", found.of_component(language, where, importance_per_token)},
                        {"of_whole_text", found.of_component(language, where, fuxitranyu::of_whole_text)}});
      }
    }
  }
  return rows;
}

inline json_value layers_json(const analysis_result& done) {
  json_value rows = json_value::array();
  for (index_t language = 0; language < length(done.languages); ++language) {
    for (index_t layer = 0; layer < done.sizes.layers; ++layer) {
      rows.push_back({{"language", done.languages[to_size(language)].language},
                      {"layer", layer},
                      {"importance", done.found.importance.of_layer(language, layer)},
                      {"importance_per_token", done.found.importance.of_layer(language, layer, importance_per_token)},
                      {"importance_per_line", importance_per_line(done, language, layer)},
                      {"attention_share", fuxitranyu::attention_share(done.found.importance, language, layer)},
                      {"firing_rate", mean_rate(done, language, layer)},
                      {"hidden_magnitude", mean_magnitude(done, language, layer)}});
    }
  }
  return rows;
}

inline json_value silencing_json(const analysis_result& done) {
  json_value rows = json_value::array();
  for (const analysed_language& one : done.languages) {
    const estimates found = agreement_of(one.silenced);
    json_value neurons = json_value::array();
    for (const silencing& each : one.silenced) {
      neurons.push_back({{"layer", each.neuron.layer},
                         {"neuron", each.neuron.neuron},
                         {"exact", each.exact},
                         {"first_order", each.first_order},
                         {"by_token", each.by_token}});
    }
    rows.push_back({{"language", one.language},
                    {"spearman_first_order", found.first_order.spearman},
                    {"relative_error_first_order", found.first_order.relative_error},
                    {"spearman_by_token", found.by_token.spearman},
                    {"neurons", neurons}});
  }
  return rows;
}

inline json_value similarity_json(const analysis_result& done) {
  json_value rows = json_value::array();
  for (index_t layer = 0; layer < done.found.centroids.layers(); ++layer) {
    rows.push_back({{"states", layer},
                    {"name", states_name(layer)},
                    {"mean_cosine", done.found.centroids.mean_cosine(layer, own_pairs::left_out)},
                    {"mean_cosine_with_diagonal", done.found.centroids.mean_cosine(layer, own_pairs::included)},
                    {"cosines", done.found.centroids.cosines(layer)}});
  }
  return rows;
}

/// Each language's own neurons, by layer.
inline json_value own_neurons_json(const analysis_result& done) {
  const language_neurons found = lape{}.find(done.found.firing);
  json_value rows = json_value::array();
  for (const std::string& name : found.labels)
    rows.push_back({{"language", name}, {"neurons", found.of(name, done.sizes.layers)}});
  return rows;
}

inline json_value analysis_json(const analysis_result& done, const analysed_model& of) {
  json_value made{{"schema", "fissile.analysis.1"},
                  {"command", of.command},
                  {"model", of.path},
                  {"corpus", done.corpus},
                  {"parallel", done.settings.order == line_order::parallel},
                  {"seed", done.settings.seed},
                  {"texts", json_value::array()},
                  {"layers", layers_json(done)},
                  {"components", importance_json(done)},
                  {"silenced", silencing_json(done)},
                  {"similarity", similarity_json(done)},
                  {"own_neurons", own_neurons_json(done)}};
  for (const analysed_language& one : done.languages) made["texts"].push_back(text_json(done, one));
  return made;
}

/// A row for each language, layer and hidden neuron. hidden_magnitude: the mean over tokens of |h|; hidden_peak: the
/// largest |h|; importance: a sum over tokens.
inline std::string neurons_csv(const analysis_result& done) {
  std::string out = "language,layer,neuron,tokens,fires,hidden_magnitude,hidden_peak,importance\n";
  for (index_t language = 0; language < length(done.languages); ++language) {
    for (index_t layer = 0; layer < done.sizes.layers; ++layer) {
      const layer_firing& firing = done.found.firing.of(language, layer);
      const layer_neurons& hidden = done.found.magnitudes[to_size(language)].of(layer);
      const std::vector<double> scores = done.found.importance.of_neurons(language, {layer, "hidden"});
      for (index_t neuron = 0; neuron < done.sizes.neurons; ++neuron) {
        out += csv_field(done.languages[to_size(language)].language) + "," + std::to_string(layer) + "," +
               std::to_string(neuron) + "," + std::to_string(firing.tokens) + "," +
               std::to_string(firing.fires[to_size(neuron)]) + "," + csv_field(mean_magnitude(hidden, neuron)) + "," +
               csv_field(static_cast<double>(hidden[neuron].peak)) + "," + csv_field(scores[to_size(neuron)]) + "\n";
      }
    }
  }
  return out;
}

/// Into a folder that is there.
inline void save_analysis(const analysis_result& done, const analysed_model& of, const std::filesystem::path& folder) {
  const auto save = [&](const char* name, const std::string& content) {
    write_file_atomically((folder / name).string(), content);
  };
  save("report.md", analysis_report{done, of}.markdown());
  save("neurons.csv", neurons_csv(done));
  save("importance.svg", to_svg(importance_map(done)));
  save("shares.svg", to_svg(shares_chart(done)));
  save("similarity.svg", to_svg(similarity_map(done)));
  save("similarity_by_layer.svg", to_svg(similarity_chart(done)));
  write_json((folder / "analysis.json").string(), analysis_json(done, of));
}

}  // namespace fissile::unravel
