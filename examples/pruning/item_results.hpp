// What models answered: accuracy over items, and how alike two languages order the candidates.
#pragma once

#include "measure.hpp"
#include "results.hpp"

#include <fissile/recipes/translation_pruning.hpp>

#include <algorithm>
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
  std::optional<std::vector<double>> scores = rows.find(model + " | items " + code);
  const auto ends = rows.find(model + " | ends " + code);
  if (!scores || (how == item_score::likelier && !ends)) return std::nullopt;
  for (std::size_t i = 0; how == item_score::likelier && i < scores->size(); ++i) (*scores)[i] -= (*ends)[i];
  return scores;
}

/// Of models that differ by their seeds, as far as they were measured: [seeds]; empty where none was.
inline std::vector<std::string> measured_seeds(const row_file& rows, const asked_models& of) {
  std::vector<std::string> models;
  experiment one = of.one;
  for (one.seed = 1; one.seed <= of.last_seed; ++one.seed) {
    const auto has = [&](index_t language) {
      return item_scores(rows, one.key(), language, item_score::likelier).has_value();
    };
    if (std::all_of(of.in.begin(), of.in.end(), has)) models.push_back(one.key());
  }
  return models;
}

/// The credit of each item, mean over languages. [items]; empty where a row is missing
inline std::vector<double> mean_credits(const row_file& rows, const std::string& model, const language_items& items,
                                        item_score how) {
  std::vector<double> credits(items.front().size(), 0.0);
  for (index_t language = 0; language < language_count; ++language) {
    const auto scores = item_scores(rows, model, language, how);
    if (!scores || scores->size() != credits.size() * to_size(candidates)) return {};
    for (std::size_t item = 0; item < credits.size(); ++item) {
      const vector_view<const double> of_item{scores->data() + item * to_size(candidates), candidates};
      credits[item] += credit(of_item, items[to_size(language)][item].truth) / double{language_count};
    }
  }
  return credits;
}
/// The same, mean over models, which answer the same items. [items]; empty where a row or every model is missing
inline std::vector<double> mean_credits(const row_file& rows, const std::vector<std::string>& models,
                                        const language_items& items, item_score how) {
  std::vector<double> mean(models.empty() ? 0 : items.front().size(), 0.0);
  for (const std::string& model : models) {
    const std::vector<double> credits = mean_credits(rows, model, items, how);
    if (credits.empty()) return {};
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += credits[i] / static_cast<double>(models.size());
  }
  return mean;
}
/// Mean over languages, models and items; items, and not answers, are what the standard error counts.
inline std::optional<accuracy> mean_accuracy(const row_file& rows, const std::vector<std::string>& models,
                                             const language_items& items, item_score how) {
  const std::vector<double> credits = mean_credits(rows, models, items, how);
  if (credits.empty()) return std::nullopt;
  const spread found = spread_of(credits);
  return accuracy{found.mean, found.error()};
}
/// Those of `models` less those of the whole model, paired over items; its share may be negative.
inline std::optional<accuracy> accuracy_gained(const row_file& rows, const std::vector<std::string>& models,
                                               const language_items& items, item_score how) {
  std::vector<double> gained = mean_credits(rows, models, items, how);
  const std::vector<double> whole = mean_credits(rows, experiment{}.key(), items, how);
  if (gained.empty() || whole.empty()) return std::nullopt;
  for (std::size_t i = 0; i < gained.size(); ++i) gained[i] -= whole[i];
  const spread found = spread_of(gained);
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
