// What models answered: accuracy over items, and how alike two languages order the candidates.
#pragma once

#include "measure.hpp"
#include "results.hpp"

#include <fissile/recipes/translation_pruning.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace fissile::pruning_study {

/// How an end is scored: by how likely it is behind the context, or by how much likelier than by itself.
enum class item_score { likely, likelier };

/// [items x candidates]; nothing where a row is missing.
inline std::optional<std::vector<double>> item_scores(const row_file& rows, const std::string& model, index_t language,
                                                      item_score how) {
  const std::string code = languages[to_size(language)];
  const std::vector<double>*items = rows.find(model + " | items " + code), *ends = rows.find(model + " | ends " + code);
  if (items == nullptr || (how == item_score::likelier && ends == nullptr)) return std::nullopt;
  std::vector<double> scores = *items;
  for (std::size_t i = 0; how == item_score::likelier && i < scores.size(); ++i) scores[i] -= (*ends)[i];
  return scores;
}

/// Mean over languages of each item's credit, then over items: languages answer the same items, so that items, and not
/// answers, are what the standard error counts.
inline std::optional<accuracy> mean_accuracy(const row_file& rows, const std::string& model,
                                             const language_items& items, item_score how) {
  std::vector<double> credits(items.front().size(), 0.0);
  for (index_t language = 0; language < language_count; ++language) {
    const auto scores = item_scores(rows, model, language, how);
    if (!scores || scores->size() != credits.size() * to_size(candidates)) return std::nullopt;
    for (std::size_t item = 0; item < credits.size(); ++item) {
      const vector_view<const double> of_item{scores->data() + item * to_size(candidates), candidates};
      credits[item] += credit(of_item, items[to_size(language)][item].truth) / double{language_count};
    }
  }
  const spread found = spread_of(credits);
  return accuracy{found.mean, found.error()};
}

inline std::vector<std::vector<double>> by_item(const std::vector<double>& scores) {
  std::vector<std::vector<double>> made;
  for (auto at = scores.begin(); at != scores.end(); at += candidates) made.emplace_back(at, at + candidates);
  return made;
}
/// RankC, mean over all pairs of languages.
inline std::optional<double> mean_rank_consistency(const row_file& rows, const std::string& model, item_score how,
                                                   translation_pruning::candidate_order order) {
  double sum = 0;
  index_t pairs = 0;
  for (index_t a = 0; a < language_count; ++a) {
    for (index_t b = a + 1; b < language_count; ++b, ++pairs) {
      const auto in_a = item_scores(rows, model, a, how), in_b = item_scores(rows, model, b, how);
      if (!in_a || !in_b) return std::nullopt;
      sum += translation_pruning::rank_consistency(by_item(*in_a), by_item(*in_b), order);
    }
  }
  return sum / static_cast<double>(pairs);
}

}  // namespace fissile::pruning_study
