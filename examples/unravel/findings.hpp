// What the counts say by themselves: which languages are alike, which experts are busy, shared, or one language's own.
#pragma once

#include "tables.hpp"

#include <fissile/count/expert_set.hpp>
#include <fissile/count/similarity.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace fissile::unravel {

using language_matrix = std::vector<std::vector<double>>;  // [languages x languages]

/// The share of a layer's experts that are called frequent: the most used ones.
inline constexpr double frequent_share = 0.25;
inline constexpr index_t busiest_shown = 5;

inline std::vector<language_matrix> cosines(const activation_counts& counts) {
  std::vector<language_matrix> layers;
  for (index_t layer = 0; layer < counts.layers(); ++layer) {
    layers.push_back(
        between_labels(counts, layer, [](const layer_counts& a, const layer_counts& b) { return cosine(a, b); }));
  }
  return layers;
}

inline language_matrix mean_of(const std::vector<language_matrix>& layers) {
  language_matrix mean = layers.front();
  for (std::size_t a = 0; a < mean.size(); ++a) {
    for (std::size_t b = 0; b < mean.size(); ++b) {
      double sum = 0;
      for (const language_matrix& layer : layers) sum += layer[a][b];
      mean[a][b] = sum / static_cast<double>(layers.size());
    }
  }
  return mean;
}

/// "es and pt (0.980), de and nl (0.954)": the pairs of languages that are most alike, at most so many.
inline std::string likest_pairs(const std::vector<std::string>& names, const language_matrix& alike, index_t most) {
  struct pair {
    double value;
    std::size_t a, b;
  };
  std::vector<pair> pairs;
  for (std::size_t a = 0; a < names.size(); ++a) {
    for (std::size_t b = a + 1; b < names.size(); ++b) pairs.push_back({alike[a][b], a, b});
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const pair& x, const pair& y) { return x.value > y.value; });
  std::string words;
  for (index_t i = 0; i < std::min(most, length(pairs)); ++i) {
    const pair& one = pairs[to_size(i)];
    words += fmt::format("{}{} and {} ({:.3f})", i == 0 ? "" : ", ", names[one.a], names[one.b], one.value);
  }
  return words;
}

inline std::string joined(const std::vector<index_t>& numbers) {
  std::string text;
  for (const index_t number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text.empty() ? "none" : text;
}

/// For each layer: what is frequent in all languages, and for each language its busiest and those it has for itself.
inline table expert_table(const activation_counts& counts) {
  table made{.columns = {{"layer", alignment::right}, {"language"}, {"busiest"}, {"its own"}}, .rows = {}};
  const most_frequent rule{.share = frequent_share};
  for (index_t layer = 0; layer < counts.layers(); ++layer) {
    const std::string number = std::to_string(layer);
    if (counts.labels().size() > 1) made.rows.push_back({number, "shared", joined(common_to_all(counts, layer, rule))});
    for (const std::string& label : counts.labels()) {
      std::string busy;
      for (const index_t expert : busiest(counts.of(label, layer), busiest_shown)) {
        busy += (busy.empty() ? "" : ", ") + fmt::format("{} ({:.2f})", expert, counts.frequency(label, layer, expert));
      }
      const std::string own = counts.labels().size() > 1 ? joined(only_for(counts, label, layer, rule)) : "-";
      made.rows.push_back({number, label, busy, own});
    }
  }
  return made;
}

/// How well two halves of the odd blocks agree, for each language, mean over layers.
inline table stability_table(const study_result& done) {
  table made{.columns = {{"language"},
                         {"correlation", alignment::right},
                         {"of ranks", alignment::right},
                         {"busiest in common", alignment::right}},
             .rows = {}};
  for (const language_texts& one : done.languages) {
    std::vector<double> pearsons, spearmans, overlaps;
    for (const agreement& row : done.agreements) {
      if (row.label != one.language) continue;
      pearsons.push_back(row.pearson);
      spearmans.push_back(row.spearman);
      overlaps.push_back(row.overlap);
    }
    made.rows.push_back(
        {one.language, shown(mean_of(pearsons), 2), shown(mean_of(spearmans), 2), shown(mean_of(overlaps), 2)});
  }
  return made;
}

/// The level of each layer, and how many experts go by either budget.
inline table level_table(const study_result& done) {
  table made{.columns = {{"layer", alignment::right},
                         {"level", alignment::right},
                         {"uniform removes", alignment::right},
                         {"level removes", alignment::right}},
             .rows = {}};
  const std::string& language = done.languages.front().language;
  const auto removed = [&](budget_kind budget, index_t layer) {
    const combination own{.judge = judged_by::own, .budget = budget, .rate = routed_rate, .seed = done.settings.seed};
    return std::to_string(done.verdicts.at(verdict_name(own, language)).removed_count(layer));
  };
  for (index_t layer = 0; layer < length(done.levels); ++layer) {
    made.rows.push_back({std::to_string(layer), shown(done.levels[to_size(layer)]),
                         removed(budget_kind::uniform, layer), removed(budget_kind::level, layer)});
  }
  return made;
}

}  // namespace fissile::unravel
