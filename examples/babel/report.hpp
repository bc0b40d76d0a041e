// The tables of the result page, as Markdown.
#pragma once

#include "results.hpp"

#include <fissile/report/table.hpp>

#include <string>
#include <vector>

namespace fissile::babel_study {

inline table table_of(const std::vector<std::string>& names) {
  table made;
  for (const std::string& name : names) {
    made.columns.push_back({name, made.columns.empty() ? alignment::left : alignment::right});
  }
  return made;
}
inline std::string per_cent(double share) {
  return fmt::format("{:g} %", 100 * share);
}

/// Bits per byte by rate, and own against random.
inline table rates_table(const results& of, use_kind use) {
  table made = table_of(
      {"given up", "least used by the language", "by all", "random (sd of draws)", "random less own", "all less own"});
  made.rows.push_back({"none", mean_cell(of.bits({.use = use})), "", "", "", ""});
  for (const double rate : rates) {
    const pruning own{.use = use, .judge = judge_kind::own, .rate = rate};
    const by_language bits = of.bits(own), drawn = of.random_bits(own, random_seeds);
    const by_language all = of.bits({.use = use, .judge = judge_kind::all, .rate = rate});
    const auto deviation = of.deviation_of_draws(own, random_seeds);
    made.rows.push_back({per_cent(rate), mean_cell(bits), mean_cell(all),
                         mean_cell(drawn) + (deviation ? fmt::format(" ({:.3f})", *deviation) : ""),
                         difference_cell(difference(bits, drawn)), difference_cell(difference(bits, all))});
  }
  return made;
}

/// Views side by side: what random costs more than own, at the rates of `side_rates`.
inline table views_table(const results& of, const std::vector<view_kind>& views, use_kind use) {
  table made = table_of(
      {"view", "nothing given up", "own, 25 %", "random less own, 25 %", "own, 50 %", "random less own, 50 %"});
  for (const view_kind& view : views) {
    std::vector<std::string> cells{view.name(), mean_cell(of.bits({.view = view, .use = use}))};
    for (const double rate : side_rates) {
      const pruning own{.view = view, .use = use, .judge = judge_kind::own, .rate = rate};
      const by_language bits = of.bits(own);
      cells.push_back(mean_cell(bits));
      cells.push_back(difference_cell(difference(bits, of.random_bits(own, side_seeds))));
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

/// Scores side by side, each against the usual one with as much given up. Where all the others work, the score only
/// says who goes.
inline table scores_table(const results& of, use_kind use) {
  table made =
      table_of({"score", "nothing given up", "own, 25 %", "less the usual score", "own, 50 %", "less the usual score"});
  const auto own = [&](const view_kind& view, double rate) {
    return of.bits({.view = view, .use = use, .judge = judge_kind::own, .rate = rate});
  };
  for (const view_kind& view : score_views()) {
    std::vector<std::string> cells{name_of(view.score), mean_cell(of.bits({.view = view, .use = use}))};
    for (const double rate : side_rates) {
      cells.push_back(mean_cell(own(view, rate)));
      cells.push_back(view == view_kind{} ? "" : difference_cell(difference(own({}, rate), own(view, rate))));
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

/// Layer rates against the same rate, least used by the language removed.
inline table levels_table(const results& of) {
  table made = table_of({"level", "lambda", "25 %", "less the same rate", "50 %", "less the same rate"});
  for (const level_kind level : level_kinds) {
    for (const double lambda : lambdas) {
      std::vector<std::string> cells{std::string{name_of(level)}, svg::number(lambda)};
      for (const double rate : side_rates) {
        const by_language same = of.bits({.judge = judge_kind::own, .rate = rate});
        const by_language layers = of.bits({.judge = judge_kind::own, .rate = rate, .level = level, .lambda = lambda});
        cells.push_back(mean_cell(layers));
        cells.push_back(difference_cell(difference(same, layers)));
      }
      made.rows.push_back(std::move(cells));
    }
  }
  return made;
}

/// Each language by itself: what giving up its least used experts costs, at most rates.
inline table languages_table(const results& of, use_kind use) {
  table made = table_of({"language", "none"});
  for (const double rate : rates) made.columns.push_back({per_cent(rate), alignment::right});
  const by_language none = of.bits({.use = use});
  for (std::size_t i = 0; i < pruned_languages.size(); ++i) {
    std::vector<std::string> cells{std::string{pruned_languages[i]},
                                   none ? fmt::format("{:.3f}", (*none)[i]) : missing};
    for (const double rate : rates) {
      const by_language bits = of.bits({.use = use, .judge = judge_kind::own, .rate = rate});
      cells.push_back(none && bits ? fmt::format("{:+.3f}", (*bits)[i] - (*none)[i]) : missing);
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

}  // namespace fissile::babel_study
