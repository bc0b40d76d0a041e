// The report of an analysis: what was read, with which definitions, and what came out, as Markdown for a file and its
// main parts as plain text for the terminal.
#pragma once

#include "analyse_definitions.hpp"
#include "analyse_figures.hpp"

#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

struct analysed_model {
  std::string command, path;
  window_opening opening = window_opening::context_only;
};

class analysis_report {
public:
  analysis_report(const analysis_result& done, analysed_model of) : done_(done), of_(std::move(of)) {}

  /// What is printed.
  std::string summary() const {
    return "Texts\n\n" + to_plain_text(texts_table(done_)) + "\n" + importance(to_plain_text) +
           silenced(to_plain_text) + "Mean cosine of languages\n\n" + to_plain_text(similarity_table(done_)) + "\n" +
           words();
  }

  std::string markdown() const {
    return "# What a model does with each language\n\n" + about() + "## Definitions\n\n" +
           line_definitions(done_, of_.opening) + importance_definitions(done_) + state_definitions(done_) +
           "\n## In words\n\n" + words() + "## Importance\n\n" +
           "![language and layer](importance.svg)\n\n![attention and MLP](shares.svg)\n\n" + importance(to_markdown) +
           "What the MLP has of each layer's importance, %\n\n" + to_markdown(mlp_share_table(done_)) +
           "\nWhat each component has of its layer, mean over languages\n\n" + to_markdown(component_table(done_)) +
           "\n" + (done_.settings.silenced > 0 ? "## Does the first order tell?\n\n" + silenced(to_markdown) : "") +
           "## How alike languages are\n\n![by layer](similarity_by_layer.svg)\n\n![middle layer](similarity.svg)\n\n" +
           to_markdown(similarity_table(done_)) + "\n" + cosines() + "## Neurons\n\n" + neurons() + files();
  }

private:
  using renderer = std::string (*)(const table&);

  std::string about() const {
    return fmt::format(
               "Command: `{}`\n\nModel: `{}`: {} layers of width {}, {} neurons a layer, context {} tokens.\n\n"
               "Corpus: {}.\n\n",
               of_.command, of_.path, done_.sizes.layers, done_.sizes.width, done_.sizes.neurons, done_.sizes.context,
               done_.corpus) +
           to_markdown(texts_table(done_)) + "\n";
  }

  std::string importance(renderer render) const {
    const component_importance& found = done_.found.importance;
    return "Importance of each layer, nats a token\n\n" +
           render(layers_table(done_, 2,
                               [&](index_t language, index_t layer) {
                                 return found.of_layer(language, layer, importance_per_token);
                               })) +
           "\nThe same, nats a line\n\n" +
           render(layers_table(done_,
                               [&](index_t language, index_t layer) {
                                 return shown(importance_per_line(done_, language, layer), 0);
                               })) +
           "\n";
  }

  std::string silenced(renderer render) const {
    if (done_.settings.silenced == 0) return "";
    return "Rank correlation of exact costs of silenced neurons with their estimates\n\n" +
           render(silencing_table(done_)) + "\n";
  }

  std::string cosines() const {
    const index_t layer = fuxitranyu::middle_layer(done_.found.centroids);
    return fmt::format("Every pair of languages at the middle layer, {}\n\n", states_name(layer)) +
           to_markdown(cosine_table(done_, layer)) + "\n";
  }

  std::string neurons() const {
    const auto table_of = [&](double (*number)(const analysis_result&, index_t, index_t)) {
      return to_markdown(
          layers_table(done_, [&](index_t language, index_t layer) { return shown(number(done_, language, layer)); }));
    };
    return "How often neurons fire, mean over a layer's neurons\n\n" + table_of(mean_rate) +
           "\n|h|, mean over tokens and neurons\n\n" + table_of(mean_magnitude) +
           "\nEach language's own neurons, how many\n\n" + to_markdown(own_neurons_table(done_)) + "\n";
  }

  std::string words() const {
    const std::vector<double> curve = fuxitranyu::similarity_curve(done_.found.centroids);
    const auto highest = std::max_element(curve.begin(), curve.end()) - curve.begin();
    std::vector<double> first_order, by_token;
    for (const analysed_language& one : done_.languages) {
      const estimates found = agreement_of(one.silenced);
      first_order.push_back(found.first_order.spearman);
      by_token.push_back(found.by_token.spearman);
    }
    std::string out;
    if (done_.languages.size() > 1) {
      out += fmt::format("- Languages are most alike {}, of the embedding and {} blocks: mean cosine {}.\n",
                         in_states(highest), curve.size() - 1, shown(curve[static_cast<std::size_t>(highest)]));
    }
    if (done_.settings.silenced > 0) {
      out += fmt::format(
          "- Outputs times gradients rank silenced neurons as the exact costs do with a correlation of "
          "{} (first order) and {} (by token), mean over languages.\n",
          shown(mean_of(first_order), 2), shown(mean_of(by_token), 2));
    }
    if (done_.settings.order == line_order::unrelated && done_.languages.size() > 1) {
      out += "- The texts are no translations of each other line by line: part of what differs is what they tell of.\n";
    }
    return out + "\n";
  }

  static std::string files() {
    return "## Files\n\n"
           "- `analysis.json`: all figures of the languages, layers, components and silenced neurons\n"
           "- `neurons.csv`: every hidden neuron by language: how often it fires, its mean and largest |h|, its "
           "importance\n"
           "- `importance.svg`, `shares.svg`, `similarity.svg`, `similarity_by_layer.svg`\n";
  }

  const analysis_result& done_;
  analysed_model of_;
};

}  // namespace fissile::unravel
