// The report of a study in Markdown: what was done, with which definitions, what came out, and what that says.
#pragma once

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
    std::string out;
    for (const auto& [title, which] : tables()) out += title + "\n\n" + to_plain_text(bits_table(done_, which)) + "\n";
    out += "Paired differences: bits per byte of random less those of own\n\n";
    out += to_plain_text(difference_table(done_, compared_all(main_comparisons()))) + "\n";
    if (length(done_.languages) > 1) out += "Most alike in use of experts: " + likeness(3) + "\n\n";
    return out + "In words\n\n" + words();
  }

  std::string markdown() const {
    return "# Which experts work for which language\n\n" + about() + definitions() + results() + comparisons() +
           usage_part() + files();
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
  std::vector<std::pair<std::string, variant>> tables() const {
    std::vector<std::pair<std::string, variant>> list;
    for (const double rate : rates) {
      list.emplace_back("Bits per byte, " + per_cent(rate) + " of the experts removed, survivors all on",
                        variant{.rate = rate});
    }
    list.emplace_back("Bits per byte, " + per_cent(routed_rate) + " removed, " + std::to_string(done_.settings.active) +
                          " of the survivors chosen by the oracle",
                      variant{.rate = routed_rate, .how = routing::top_k});
    list.emplace_back("Bits per byte, " + per_cent(routed_rate) + " removed under the level budget, survivors all on",
                      variant{.rate = routed_rate, .budget = budget_kind::level});
    return list;
  }

  std::vector<paired> compared_all(const std::vector<compared>& list) const {
    std::vector<paired> found;
    for (const compared& one : list) found.push_back(compare(done_, one));
    return found;
  }
  std::string words() const {
    std::string out;
    for (const paired& one : everything()) out += "- " + in_words(one) + "\n";
    return out + "\nClear means: more than two standard errors away from no difference.\n";
  }

  std::string likeness(std::size_t most) const {
    const auto pairs = pairs_by_likeness(done_.counts.labels(), mean_of(cosines(done_.counts)));
    std::string out;
    for (std::size_t i = 0; i < std::min(most, pairs.size()); ++i) out += (i == 0 ? "" : ", ") + pairs[i];
    return out;
  }

  std::string about() const {
    const engine::architecture& sizes = heading_.sizes;
    std::string out = "Command: `" + heading_.command + "`\n\n";
    out += fmt::format("Model: `{}`: {} layers of width {}, {} neurons a layer in {} experts, context {} tokens.\n\n",
                       heading_.model, sizes.layers, sizes.width, sizes.neurons, done_.settings.experts, sizes.context);
    out += fmt::format("Corpus: {}. Seed {}; {} experts active in counting; {} bytes asked for in each half.\n\n",
                       done_.corpus, done_.settings.seed, done_.settings.active, done_.settings.bytes);
    return out + to_markdown(text_table(done_)) + "\n";
  }

  std::string definitions() const;
  std::string results() const {
    std::string out = "## Bits per byte\n\n";
    for (const auto& [title, which] : tables()) out += title + ".\n\n" + to_markdown(bits_table(done_, which)) + "\n";
    return out;
  }

  std::string comparisons() const {
    std::string out =
        "## Paired differences\n\nBits per byte of random less those of own: positive where own is "
        "better. Of random the mean of its seeds counts.\n\n";
    out += to_markdown(difference_table(done_, compared_all(main_comparisons()))) + "\n";
    out +=
        "All comparisons, paired over languages: difference = second less first, positive where the first is "
        "better; sd over languages, standard error = sd / sqrt(languages).\n\n";
    out += to_markdown(paired_table(everything())) + "\n";
    return out + "## In words\n\n" + words() + "\n";
  }

  std::string usage_part() const {
    std::string out = "## Which experts are used\n\n![frequencies](heatmap.svg)\n\n";
    const std::vector<std::string>& names = done_.counts.labels();
    if (names.size() > 1) {
      const std::vector<language_matrix> layers = cosines(done_.counts);
      out += "Similarity of languages: cosine of their frequencies, mean over layers. Most alike: " + likeness(5) +
             ".\n\n" + to_markdown(matrix_table(names, mean_of(layers))) + "\n";
      for (std::size_t layer = 0; layer < layers.size(); ++layer) {
        out += fmt::format("Layer {}:\n\n", layer) + to_markdown(matrix_table(names, layers[layer])) + "\n";
      }
    }
    out += fmt::format(
        "Experts: the busiest {} with their frequencies. Frequent are the {} that are used most; "
        "\"all\" lists those that are frequent in every language, \"its own\" those in no other.\n\n",
        busiest_shown, per_cent(frequent_share));
    out += to_markdown(expert_table(done_.counts)) + "\n";
    if (!done_.agreements.empty()) {
      out += "Would other text give the same counts? Every other odd block against the rest, mean over layers:\n\n" +
             to_markdown(stability_table(done_)) + "\n";
    } else {
      out += "Whether other text would give the same counts is not known: that needs two odd blocks a language.\n\n";
    }
    return out + "Levels and removals at " + per_cent(routed_rate) + ":\n\n" + to_markdown(level_table(done_)) + "\n";
  }

  static std::string files() {
    return "## Files\n\n- `study.json`: every row; `counts.json`, `counts.csv`: the counts; `heatmap.svg`\n"
           "- `verdicts/JUDGE_LANGUAGE_BUDGET_RATE_SEED.json`: what `unravel prune` takes; LANGUAGE is `any` where "
           "it does not matter\n";
  }

  const study_result& done_;
  report_heading heading_;
};

inline std::string study_report::definitions() const {
  const bool begins = heading_.opening == window_opening::begin_token;
  const std::string first_token = begins
                                      ? "every window begins with the model's begin token, so that every token of the "
                                        "text is predicted"
                                      : "the model's file asks for no begin token, so the first token of a window is "
                                        "context only and its bytes are not counted";
  return fmt::format(
      "## Definitions\n\n"
      "- Texts are cut into blocks of {} bytes, numbered from 1. Frequencies come from odd blocks, bits per byte from "
      "even ones, the first ones of each; bytes asked for are rounded up to whole blocks.\n"
      "- A window is as many tokens as the model's context holds ({}), within one block; the last one of a block may "
      "be shorter. Windows do not overlap; {}. A token of several bytes counts its bytes.\n"
      "- bits per byte = - sum of log2 P(token) / bytes predicted.\n"
      "- Experts: each layer's neurons in stored order, cut into {} slices whose sizes differ by at most one.\n"
      "- Counting: the model runs dense; beside it an oracle scores every expert of every layer by the sum of |h| over "
      "its neurons, h = act(gate) * up, and the {} best are counted as used (ties: the lower expert). frequency = "
      "tokens that used the expert / tokens.\n"
      "- Judges: none removes nothing; own the least used by the language; all the least used by all, the mean of "
      "their frequencies; other the least used by the next language of the list, the first following the last; random "
      "one draw for each of the seeds {} to {}, the same for all languages; most the most used by the language.\n"
      "- A pruned model keeps its survivors all on at weight 1 (routing all), or the oracle chooses {} of them for "
      "each "
      "token (routing top_k).\n"
      "- The uniform budget removes floor(rate * {} + 1/2) experts from each layer. The level budget removes the same "
      "total: rate_l = rate - {:g} * (level_l - mean level) / (highest level - lowest level), brought to whole experts "
      "by largest remainders, at least the active ones kept. The level of a layer is the share of its experts whose "
      "frequency is at least {}/{}, mean over languages.\n\n",
      block_bytes, window_tokens(heading_.sizes), first_token, done_.settings.experts, done_.settings.active,
      done_.settings.seed, done_.settings.seed + random_seeds - 1, done_.settings.active, done_.settings.experts,
      level_lambda, done_.settings.active, done_.settings.experts);
}

}  // namespace fissile::unravel
