// The tables of what models answered.
#pragma once

#include "report.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fissile::pruning_study {

/// "wanda, 50 %, translation"
inline std::string in_words(const experiment& one) {
  if (one.how == method::none) return "not pruned";
  const std::string name = std::string{name_of(one.how)} + ", " + short_number(100 * one.rate) + " %";
  return reads_text(one.how) ? name + ", " + one.on.name() : name;
}

/// Accuracy in each language, mean of the seeds measured; its mean ± standard error over items, in brackets the
/// deviation over seeds; what it gained over the whole model; and RankC in both orders.
inline table item_table(const row_file& rows, const language_items& items, item_score how) {
  using translation_pruning::candidate_order;
  table made = table_by_language(
      "model", {"mean (sd of seeds)", "gained, paired", "RankC, likeliest first", "RankC, least likely first"});
  const auto over = [&](const std::vector<std::string>& models, const auto& value_of) {
    std::vector<double> values;
    for (const std::string& model : models) values.push_back(value_of(model));
    return spread_of(values);
  };
  for (const asked_models& of : asked_items()) {
    if (!of.everywhere()) continue;
    const std::vector<std::string> models = measured_seeds(rows, of);
    std::vector<std::string> cells{in_words(of.one)};
    for (const index_t language : of.in) {
      const spread found = over(models, [&](const std::string& model) {
        return accuracy_of(*item_scores(rows, model, language, how), items[to_size(language)]).share;
      });
      cells.push_back(models.empty() ? missing : number(found.mean));
    }
    const auto mean = mean_accuracy(rows, models, items, how);
    const spread seeds_apart =
        over(models, [&](const std::string& model) { return spread_of(mean_credits(rows, model, items, how)).mean; });
    cells.push_back(!mean ? missing : fmt::format("{:.3f} ± {:.3f}", mean->share, mean->error));
    if (models.size() > 1) cells.back() += fmt::format(" ({:.3f})", seeds_apart.deviation);
    const auto gained = accuracy_gained(rows, models, items, how);
    cells.push_back(of.one.how == method::none ? ""
                    : !gained                  ? missing
                                               : fmt::format("{:+.3f} ± {:.3f}", gained->share, gained->error));
    for (const auto order : {candidate_order::descending, candidate_order::ascending}) {
      const spread alike =
          over(models, [&](const std::string& model) { return *mean_rank_consistency(rows, model, how, order); });
      cells.push_back(models.empty() ? missing : number(alike.mean));
      if (models.size() > 1) cells.back() += fmt::format(" ({:.3f})", alike.deviation);
    }
    made.rows.push_back(std::move(cells));
  }
  for (const double rate : rates) {
    std::vector<std::string> cells{"wanda, " + short_number(100 * rate) + " %, each language by itself"};
    for (index_t language = 0; language < language_count; ++language) {
      for (const asked_models& of : asked_items()) {
        const bool own = of.one.on.kind == text_kind::one_language && of.one.on.language == language;
        if (of.one.how != method::wanda || of.one.rate != rate || !own) continue;
        const std::vector<std::string> models = measured_seeds(rows, of);
        const spread found = over(models, [&](const std::string& model) {
          return accuracy_of(*item_scores(rows, model, language, how), items[to_size(language)]).share;
        });
        cells.push_back(models.empty() ? missing : number(found.mean));
      }
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

}  // namespace fissile::pruning_study
