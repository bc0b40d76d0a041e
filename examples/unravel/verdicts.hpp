// The verdict of each combination: judges and budgets of fissile/prune, put to work for one language.
#pragma once

#include "combinations.hpp"

#include <fissile/count/activation_counts.hpp>
#include <fissile/prune/budgets.hpp>
#include <fissile/prune/decide.hpp>
#include <fissile/prune/keep_busiest.hpp>
#include <fissile/prune/random_order.hpp>
#include <fissile/prune/verdict.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace fissile::unravel {

/// How far apart the rates of two layers may be under the level budget.
inline constexpr double level_lambda = 0.1;

/// The level of each layer: the share of its experts that are used at least as often as they would be if all were used
/// alike (frequency >= active / experts), mean over languages. Where it is low, few experts do most of the work, and
/// more of the others can go. [layers]
inline std::vector<double> levels_of(const activation_counts& counts, index_t active) {
  std::vector<double> levels;
  for (index_t layer = 0; layer < counts.layers(); ++layer) {
    const auto experts = static_cast<std::uint64_t>(counts.experts(layer));
    double sum = 0;
    for (index_t label = 0; label < length(counts.labels()); ++label) {
      const layer_counts& seen = counts.of(label, layer);
      const auto busy = std::count_if(seen.uses.begin(), seen.uses.end(), [&](std::uint64_t uses) {
        return uses * experts >= seen.tokens * static_cast<std::uint64_t>(active);
      });
      sum += static_cast<double>(busy) / static_cast<double>(experts);
    }
    levels.push_back(sum / static_cast<double>(counts.labels().size()));
  }
  return levels;
}

/// What verdicts are made of.
struct judgement_basis {
  const activation_counts& counts;
  const std::vector<partition>& partitions;  // [layers]
  std::vector<double> levels;                // [layers]
  index_t active = 1;

  /// Experts that stay in every layer under the level budget: as many as are active, unless even the uniform budget
  /// leaves fewer.
  index_t kept_at_least(double rate) const noexcept {
    const index_t experts = partitions.front().experts();
    return std::min(std::max<index_t>(1, active), experts - rounded_share(rate, experts));
  }
};

template <class Judge>
verdict decide_within(const Judge& judge, const combination& how, const judgement_basis& basis) {
  if (how.budget == budget_kind::uniform) return decide(judge, uniform{.rate = how.rate}, basis.partitions);
  return decide(judge,
                by_level{.rate = how.rate,
                         .levels = basis.levels,
                         .lambda = level_lambda,
                         .keep_at_least = basis.kept_at_least(how.rate),
                         .meaning = level_meaning::high_removes_less,
                         .total = total_rounding::each_layer},
                basis.partitions);
}

/// `language`: its place among the labels of the counts.
inline verdict verdict_for(const combination& how, index_t language, const judgement_basis& basis) {
  const std::vector<std::string>& labels = basis.counts.labels();
  const auto least_used_by = [&](index_t label) {
    return keep_busiest{usage::of_label(basis.counts, labels[to_size(label)])};
  };
  switch (how.judge) {
    case judged_by::own:
      return decide_within(least_used_by(language), how, basis);
    case judged_by::other:
      return decide_within(least_used_by((language + 1) % length(labels)), how, basis);
    case judged_by::all:
      return decide_within(keep_busiest{usage::of_all(basis.counts)}, how, basis);
    case judged_by::most:
      return decide_within(keep_least_used{usage::of_label(basis.counts, labels[to_size(language)])}, how, basis);
    case judged_by::none:
    case judged_by::random:
      break;
  }
  return decide_within(random_order{.seed = how.seed}, how, basis);  // at rate 0 nobody goes, in any order
}

/// Where a verdict is kept: "own_de_uniform_0.25_1.json". Verdicts that are the same for all languages are kept once.
inline std::string verdict_name(const combination& how, std::string_view language) {
  const bool for_any = how.judge == judged_by::all || how.judge == judged_by::random;
  return std::string{name_of(how.judge)} + "_" + std::string{for_any ? "any" : language} + "_" +
         std::string{name_of(how.budget)} + "_" + short_number(how.rate) + "_" + std::to_string(how.seed) + ".json";
}

}  // namespace fissile::unravel
