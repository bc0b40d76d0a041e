// The report of a study: what was done, with which definitions, what came out, and what that says; as Markdown for a
// file, and its main parts as plain text for the terminal.
#pragma once

#include "definitions.hpp"
#include "findings.hpp"

#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

struct report_heading {
  std::string command;
  std::string model;  // its file
  engine::architecture sizes;
  window_opening opening = window_opening::context_only;
};

class study_report {
public:
  study_report(const study_result& done, report_heading heading) : done_(done), heading_(std::move(heading)) {}

  /// What is printed: the main tables and the verdict in words.
  std::string summary() const {
    return to_plain_text(text_table(done_)) + "\n" + usage(to_plain_text) + results(to_plain_text) +
           differences(to_plain_text) + words();
  }

  std::string markdown() const {
    return "# Which experts work for which language\n\n" + about() + "## Definitions\n\n" +
           definitions(done_.settings, window_tokens(heading_.sizes), heading_.opening) + "## Bits per byte\n\n" +
           results(to_markdown) + "## Paired differences\n\n" + differences(to_markdown) + all_pairs() +
           "## In words\n\n" + words() + "## Which experts are used\n\n![frequencies](heatmap.svg)\n\n" +
           usage(to_markdown) + stability() + levels() + files();
  }

  /// All comparisons, the question of the study first.
  std::vector<paired> everything() const {
    std::vector<paired> all = compared_all(main_comparisons());
    for (const auto& more : {judge_comparisons(length(done_.languages)), way_comparisons()}) {
      for (paired& one : compared_all(more)) all.push_back(std::move(one));
    }
    return all;
  }

private:
  using renderer = std::string (*)(const table&);

  std::vector<paired> compared_all(const std::vector<compared>& list) const {
    std::vector<paired> found;
    for (const compared& one : list) found.push_back(compare(done_, one));
    return found;
  }

  std::string about() const {
    const engine::architecture& sizes = heading_.sizes;
    return fmt::format(
               "Command: `{}`\n\n"
               "Model: `{}`: {} layers of width {}, {} neurons a layer in {} experts, context {} tokens.\n\n"
               "Corpus: {}. Seed {}; {} experts active in counting; {} bytes asked for in each half.\n\n",
               heading_.command, heading_.model, sizes.layers, sizes.width, sizes.neurons, done_.settings.experts,
               sizes.context, done_.corpus, done_.settings.seed, done_.settings.active, done_.settings.bytes) +
           to_markdown(text_table(done_)) + "\n";
  }

  std::string results(renderer render) const {
    std::string out;
    const auto add = [&](const std::string& how, const variant& which) {
      out += "Bits per byte, " + per_cent(which.rate) + " of the experts removed" + how + ":\n\n" +
             render(bits_table(done_, which)) + "\n";
    };
    for (const double rate : rates) add(", survivors all on", {.rate = rate});
    add(fmt::format(", {} of the survivors chosen by the oracle", done_.settings.active),
        {.rate = routed_rate, .how = routing::top_k});
    add(" under the level budget, survivors all on", {.rate = routed_rate, .budget = budget_kind::level});
    return out;
  }

  std::string differences(renderer render) const {
    return "Bits per byte of random, mean of its seeds, less those of own: positive where own is better.\n\n" +
           render(difference_table(done_, compared_all(main_comparisons()))) + "\n";
  }
  std::string all_pairs() const {
    return "All comparisons, paired over languages: difference = second less first, positive where the first is "
           "better; sd over languages, with n - 1; standard error = sd / sqrt(languages).\n\n" +
           to_markdown(paired_table(everything())) + "\n";
  }
  std::string words() const {
    std::string out = headline(compared_all(main_comparisons())) + "\n\n";
    for (const paired& one : everything()) out += "- " + in_words(one) + "\n";
    return out + "\nClear means: more than two standard errors away from no difference.\n\n";
  }

  std::string usage(renderer render) const {
    const std::vector<std::string>& names = done_.counts.labels();
    std::string out;
    if (names.size() > 1) {
      const std::vector<language_matrix> layers = cosines(done_.counts);
      const language_matrix mean = mean_of(layers);
      out += "Similarity of languages: cosine of their frequencies, mean over layers. Most alike: " +
             likest_pairs(names, mean, 5) + ".\n\n" + render(matrix_table(names, mean)) + "\n";
      for (std::size_t layer = 0; layer < layers.size(); ++layer) {
        out += fmt::format("In layer {}:\n\n", layer) + render(matrix_table(names, layers[layer])) + "\n";
      }
    }
    out += fmt::format(
        "Experts: the busiest {} of each layer and language with their frequencies. Frequent are the {} that are used "
        "most; \"shared\" are those that are frequent in every language, \"its own\" those in no other.\n\n",
        busiest_shown, per_cent(frequent_share));
    return out + render(expert_table(done_.counts)) + "\n";
  }

  std::string stability() const {
    if (done_.agreements.empty()) {
      return "Whether other text would give the same counts is not known: that needs two odd blocks a language.\n\n";
    }
    return "Would other text give the same counts? Every other odd block against the rest, mean over layers:\n\n" +
           to_markdown(stability_table(done_)) + "\n";
  }
  std::string levels() const {
    return "Levels and removals at " + per_cent(routed_rate) + ":\n\n" + to_markdown(level_table(done_)) + "\n";
  }
  static std::string files() {
    return "## Files\n\n"
           "- `study.json`: every row; `counts.json`, `counts.csv`: the counts; `heatmap.svg`\n"
           "- `verdicts/JUDGE_LANGUAGE_BUDGET_RATE_SEED.json`: what `unravel prune` takes; LANGUAGE is `any` where it "
           "does not matter\n";
  }

  const study_result& done_;
  report_heading heading_;
};

}  // namespace fissile::unravel
