// The tables of what models answered.
#pragma once

#include "report.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fissile::pruning_study {

/// Accuracy in each language, its mean over items ± standard error, and RankC in both orders.
inline table item_table(const row_file& rows, const language_items& items, item_score how) {
  using translation_pruning::candidate_order;
  table made = table_by_language("model", {"mean", "RankC, likeliest first", "RankC, least likely first"});
  const auto accuracy_in = [&](const std::string& model, index_t language) {
    const auto scores = item_scores(rows, model, language, how);
    return scores ? number(accuracy_of(*scores, items[to_size(language)]).share) : missing;
  };
  for (const auto& [one, in] : asked_items()) {
    if (length(in) < language_count) continue;
    std::vector<std::string> cells{one.key()};
    for (const index_t language : in) cells.push_back(accuracy_in(one.key(), language));
    const auto mean = mean_accuracy(rows, one.key(), items, how);
    cells.push_back(mean ? fmt::format("{:.3f} ± {:.3f}", mean->share, mean->error) : missing);
    for (const auto order : {candidate_order::descending, candidate_order::ascending}) {
      const auto agreement = mean_rank_consistency(rows, one.key(), how, order);
      cells.push_back(agreement ? number(*agreement) : missing);
    }
    made.rows.push_back(std::move(cells));
  }
  for (const double rate : rates) {
    experiment one{.how = method::wanda, .rate = rate};
    std::vector<std::string> cells{"wanda | " + short_number(100 * rate) + " % | each language by itself"};
    for (index_t language = 0; language < language_count; ++language) {
      one.on = {.kind = text_kind::one_language, .language = language};
      cells.push_back(accuracy_in(one.key(), language));
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

}  // namespace fissile::pruning_study
