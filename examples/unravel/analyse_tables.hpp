// The tables of an analysis. Beside every number that compares languages stands how much text their tokens hold.
#pragma once

#include "analyse_run.hpp"
#include "tables.hpp"

#include <fissile/detect/language_neurons.hpp>
#include <fissile/report/similarity_map.hpp>

#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

inline constexpr importance_reading importance_per_token{.by = importance_reading::scale::per_token};

/// Importance summed over all tokens, shared out over the lines: what the same content costs, where lines are parallel.
inline double importance_per_line(const analysis_result& done, index_t language, index_t layer) {
  return done.found.importance.of_layer(language, layer) / static_cast<double>(done.languages[to_size(language)].lines);
}

/// A table with a row for each language, whose last columns measure its text.
class language_rows {
public:
  language_rows(const analysis_result& done, const std::vector<std::string>& columns) : done_(&done) {
    made_.columns.push_back({"language"});
    for (const std::string& name : columns) made_.columns.push_back({name, alignment::right});
    for (const char* name : {"bytes/character", "tokens/character", "bytes/line", "tokens/line"}) {
      made_.columns.push_back({name, alignment::right});
    }
  }

  /// Languages in order.
  void add(std::vector<std::string> cells) {
    const std::string& name = done_->languages[made_.rows.size()].language;
    const text_size& text = done_->measure.of(name);
    cells.insert(cells.begin(), name);
    cells.push_back(shown(text.bytes_per_character(), 2));
    cells.push_back(shown(text.tokens_per_character(), 2));
    cells.push_back(shown(text.bytes_per_paragraph(), 1));
    cells.push_back(shown(text.tokens_per_paragraph(), 1));
    made_.rows.push_back(std::move(cells));
  }
  /// After all languages: the mean of the numbers of each column and the standard deviation (n - 1) between languages.
  /// Columns without numbers stay empty; where there is one language, there is nothing to add.
  void add_spread(const std::vector<std::vector<double>>& columns, int decimals) {
    if (done_->languages.size() < 2) return;
    std::vector<std::string> means{"mean"}, deviations{"deviation between languages"};
    for (const std::vector<double>& numbers : columns) {
      means.push_back(numbers.empty() ? "" : shown(mean_of(numbers), decimals));
      deviations.push_back(numbers.empty() ? "" : shown(deviation_of(numbers), decimals));
    }
    for (std::vector<std::string>* cells : {&means, &deviations}) {
      cells->resize(made_.columns.size());
      made_.rows.push_back(std::move(*cells));
    }
  }
  const table& done() const noexcept { return made_; }

private:
  const analysis_result* done_;
  table made_;
};

inline std::vector<std::string> layer_names(const analysis_result& done) {
  std::vector<std::string> names;
  for (index_t layer = 0; layer < done.sizes.layers; ++layer) names.push_back("layer " + std::to_string(layer));
  return names;
}

/// `cell(language, layer)`, a column a layer.
template <class Cell>
table layers_table(const analysis_result& done, const Cell& cell) {
  language_rows rows{done, layer_names(done)};
  for (index_t language = 0; language < length(done.languages); ++language) {
    std::vector<std::string> cells;
    for (index_t layer = 0; layer < done.sizes.layers; ++layer) cells.push_back(cell(language, layer));
    rows.add(std::move(cells));
  }
  return rows.done();
}

/// `number(language, layer)`, a column a layer; last the mean and the deviation between languages.
template <class Number>
table layers_table(const analysis_result& done, int decimals, const Number& number) {
  language_rows rows{done, layer_names(done)};
  std::vector<std::vector<double>> columns(to_size(done.sizes.layers));
  for (index_t language = 0; language < length(done.languages); ++language) {
    std::vector<std::string> cells;
    for (index_t layer = 0; layer < done.sizes.layers; ++layer) {
      columns[to_size(layer)].push_back(number(language, layer));
      cells.push_back(shown(columns[to_size(layer)].back(), decimals));
    }
    rows.add(std::move(cells));
  }
  rows.add_spread(columns, decimals);
  return rows.done();
}

/// In quotes, or byte by byte where it is no character that can be seen: a token may be a part of one.
inline std::string shown_piece(const std::string& piece) {
  std::string letters, bytes;
  bool seen = true;
  for (std::size_t at = 0; at < piece.size(); ++at)
    bytes += fmt::format("<{:02X}>", static_cast<unsigned char>(piece[at]));
  for (std::size_t at = 0; seen && at < piece.size();) {
    const utf8_character one = character_at(piece, at);
    seen = one.bytes > 0 && one.value >= 0x20 && one.value != 0x7f && !(one.value >= 0x80 && one.value < 0xa0);
    at += one.bytes;
  }
  return seen ? "'" + piece + "'" : bytes;
}

/// What was read, and for parallel texts how many tokens each language needs where the first one needs one.
inline table texts_table(const analysis_result& done) {
  const bool parallel = done.settings.order == line_order::parallel;
  std::vector<std::string> columns{"lines", "of", "cut", "end with", "tokens predicted", "bits per byte"};
  if (parallel) columns.push_back("tokens against " + done.languages.front().language);
  language_rows rows{done, columns};
  for (const analysed_language& one : done.languages) {
    std::vector<std::string> cells{
        std::to_string(one.lines),  std::to_string(one.there),
        std::to_string(one.cut),    fmt::format("{} {:.0f} %", shown_piece(one.last_piece), 100 * one.last_share()),
        std::to_string(one.tokens), shown(one.bits_per_byte(), 2)};
    if (parallel) cells.push_back(shown(done.measure.premium(one.language, done.languages.front().language), 2));
    rows.add(std::move(cells));
  }
  return rows.done();
}

/// What each component has of its layer's importance, mean over languages.
inline table component_table(const analysis_result& done) {
  const component_importance& found = done.found.importance;
  table made{.columns = {{"layer"}}, .rows = {}};
  for (const component_shape& one : found.components()) made.columns.push_back({one.name, alignment::right});
  made.columns.push_back({"attention", alignment::right});
  made.columns.push_back({"MLP", alignment::right});
  for (index_t layer = 0; layer < done.sizes.layers; ++layer) {
    std::vector<std::string> cells{std::to_string(layer)};
    for (const component_shape& one : found.components()) {
      std::vector<double> shares;
      for (index_t language = 0; language < length(done.languages); ++language) {
        shares.push_back(found.of_component(language, {layer, one.name}) / found.of_layer(language, layer));
      }
      cells.push_back(shown(mean_of(shares)));
    }
    std::vector<double> attention;
    for (index_t language = 0; language < length(done.languages); ++language) {
      attention.push_back(fuxitranyu::attention_share(found, language, layer));
    }
    cells.push_back(shown(mean_of(attention)));
    cells.push_back(shown(1 - mean_of(attention)));
    made.rows.push_back(std::move(cells));
  }
  return made;
}

/// What the MLP has of each layer's importance, in per cent.
inline table mlp_share_table(const analysis_result& done) {
  return layers_table(done, 1, [&](index_t language, index_t layer) {
    return 100 * (1 - fuxitranyu::attention_share(done.found.importance, language, layer));
  });
}

inline table silencing_table(const analysis_result& done) {
  language_rows rows{done, {"neurons", "first order", "its relative error", "by token"}};
  std::vector<double> first_order, error, by_token;
  for (const analysed_language& one : done.languages) {
    const estimates found = agreement_of(one.silenced);
    rows.add({std::to_string(found.first_order.neurons), shown(found.first_order.spearman),
              shown(found.first_order.relative_error), shown(found.by_token.spearman)});
    first_order.push_back(found.first_order.spearman);
    error.push_back(found.first_order.relative_error);
    by_token.push_back(found.by_token.spearman);
  }
  rows.add_spread({{}, first_order, error, by_token}, 3);
  return rows.done();
}

/// In a sentence: "in the embedding", "after block 0".
inline std::string in_states(index_t layer) {
  return (layer == 0 ? "in the " : "") + states_name(layer);
}

/// Mean over pairs of languages, layer by layer.
inline table similarity_table(const analysis_result& done) {
  table made{
      .columns = {{"states"}, {"different languages", alignment::right}, {"with the diagonal", alignment::right}},
      .rows = {}};
  for (index_t layer = 0; layer < done.found.centroids.layers(); ++layer) {
    made.rows.push_back({states_name(layer), shown(done.found.centroids.mean_cosine(layer, own_pairs::left_out), 4),
                         shown(done.found.centroids.mean_cosine(layer, own_pairs::included), 4)});
  }
  return made;
}

/// Of every language with every language, at one layer of states.
inline table cosine_table(const analysis_result& done, index_t layer) {
  language_rows rows{done, done.names()};
  for (const std::vector<double>& numbers : done.found.centroids.cosines(layer)) {
    std::vector<std::string> cells;
    for (const double number : numbers) cells.push_back(shown(number));
    rows.add(std::move(cells));
  }
  return rows.done();
}

/// The mean over a layer's neurons of how often they fire.
inline double mean_rate(const analysis_result& done, index_t language, index_t layer) {
  double sum = 0;
  for (index_t neuron = 0; neuron < done.sizes.neurons; ++neuron) {
    sum += done.found.firing.rate(language, layer, neuron);
  }
  return sum / static_cast<double>(done.sizes.neurons);
}
/// The mean over tokens of a neuron's |h|.
inline double mean_magnitude(const layer_neurons& found, index_t neuron) {
  return found[neuron].sum / static_cast<double>(found.tokens());
}
/// The mean over tokens and neurons of |h|.
inline double mean_magnitude(const analysis_result& done, index_t language, index_t layer) {
  const layer_neurons& found = done.found.magnitudes[to_size(language)].of(layer);
  double sum = 0;
  for (index_t neuron = 0; neuron < found.neurons(); ++neuron) sum += mean_magnitude(found, neuron);
  return sum / static_cast<double>(found.neurons());
}

/// Neurons that fire for few languages, by language and layer.
inline table own_neurons_table(const analysis_result& done) {
  const language_neurons found = lape{}.find(done.found.firing);
  return layers_table(done, [&](index_t language, index_t layer) {
    return std::to_string(found.of(language, done.sizes.layers)[to_size(layer)].size());
  });
}

}  // namespace fissile::unravel
