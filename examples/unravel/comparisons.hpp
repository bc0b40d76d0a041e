// Two ways to prune, compared language by language: the differences, their spread, and what they say in words.
#pragma once

#include "study.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// Rows that belong together: `random` with all its seeds.
struct variant {
  judged_by judge = judged_by::none;
  double rate = 0;
  routing how = routing::all;
  budget_kind budget = budget_kind::uniform;

  bool takes(const combination& one) const noexcept {
    return one.judge == judge && one.rate == rate && one.how == how && one.budget == budget;
  }
};

/// Bits per byte of each of its rows: one, or one for each seed; none where the study lacks it.
inline std::vector<double> bits_of(const study_result& done, index_t language, const variant& which) {
  std::vector<double> found;
  for (const study_row& row : done.rows) {
    if (row.language == language && which.takes(row.how)) found.push_back(row.scored.bits_per_byte());
  }
  return found;
}

inline double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());  // NaN for none
}
/// With n - 1; NaN for less than two.
inline double deviation_of(const std::vector<double>& values) {
  if (values.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

/// What is compared, for tables and sentences: "the least used by the language" with "random ones".
struct compared {
  std::string where;  // "12.5 % removed"
  std::string first_name, second_name;
  variant first, second;
};

enum class outcome { clearly_better, clearly_worse, unclear, single };

/// difference = bits per byte of the second less those of the first: positive where the first is better.
struct paired {
  compared what;
  std::vector<double> differences;  // [languages]
  double mean = 0;
  double deviation = 0;       // over languages, with n - 1; NaN for one language
  double standard_error = 0;  // deviation / sqrt(n)
  index_t better = 0;         // languages with a positive difference

  /// Clear where the mean is more than two standard errors away from none.
  outcome says() const noexcept {
    if (differences.size() < 2) return outcome::single;
    if (!(std::abs(mean) > 2 * standard_error)) return outcome::unclear;
    return mean > 0 ? outcome::clearly_better : outcome::clearly_worse;
  }
};

inline paired compare(const study_result& done, const compared& what) {
  paired made{.what = what, .differences = {}};
  for (index_t language = 0; language < length(done.languages); ++language) {
    const double difference =
        mean_of(bits_of(done, language, what.second)) - mean_of(bits_of(done, language, what.first));
    made.differences.push_back(difference);
    made.better += difference > 0 ? 1 : 0;
  }
  made.mean = mean_of(made.differences);
  made.deviation = deviation_of(made.differences);
  made.standard_error = made.deviation / std::sqrt(static_cast<double>(made.differences.size()));
  return made;
}

inline std::string in_words(const paired& found) {
  const char* direction = found.mean > 0 ? "fewer" : "more";
  const std::string start = fmt::format("{}: {} needs {:.3f} bits per byte {} than {}", found.what.where,
                                        found.what.first_name, std::abs(found.mean), direction, found.what.second_name);
  const std::string count = fmt::format("it is better in {} of {} languages", found.better, found.differences.size());
  switch (found.says()) {
    case outcome::clearly_better:
      return fmt::format("{} (standard error {:.3f}); {}: **clearly better**.", start, found.standard_error, count);
    case outcome::clearly_worse:
      return fmt::format("{} (standard error {:.3f}); {}: **clearly worse**.", start, found.standard_error, count);
    case outcome::unclear:
      return fmt::format("{} (standard error {:.3f}); {}: **no clear difference**.", start, found.standard_error,
                         count);
    case outcome::single:
      break;
  }
  return start + "; with a single language nothing is known of the spread.";
}

/// 0.125 -> "12.5 %".
inline std::string per_cent(double share) {
  return fmt::format("{:g} %", 100 * share);
}

/// The question of the study: own least used against random, at each rate.
inline std::vector<compared> main_comparisons() {
  std::vector<compared> list;
  for (const double rate : rates) {
    list.push_back({.where = per_cent(rate) + " removed",
                    .first_name = "removing the experts that the language uses least",
                    .second_name = "removing random ones",
                    .first = {.judge = judged_by::own, .rate = rate},
                    .second = {.judge = judged_by::random, .rate = rate}});
  }
  return list;
}

/// The answer in one sentence: at which rates it is clear, and which way.
inline std::string headline(const std::vector<paired>& main) {
  const auto rates_that_say = [&](outcome what) {
    std::string list;
    for (const paired& one : main) {
      if (one.says() == what) list += (list.empty() ? "" : ", ") + per_cent(one.what.first.rate);
    }
    return list.empty() ? std::string{"no rate"} : list;
  };
  if (!main.empty() && main.front().says() == outcome::single) {
    return "Removing what a language uses least, against random experts: one language alone shows no spread, so "
           "nothing is claimed.";
  }
  return fmt::format(
      "Removing what a language uses least, against random experts: clearly better at {}; clearly worse at {}; no "
      "clear "
      "difference at {}.",
      rates_that_say(outcome::clearly_better), rates_that_say(outcome::clearly_worse),
      rates_that_say(outcome::unclear));
}

/// Whose counts matter: the language's own, everybody's, another's, or counts turned upside down; and no pruning.
inline std::vector<compared> judge_comparisons(index_t languages) {
  std::vector<compared> list;
  const auto against = [&](judged_by judge, double rate, const char* name) {
    list.push_back({.where = per_cent(rate) + " removed",
                    .first_name = "removing what the language uses least",
                    .second_name = name,
                    .first = {.judge = judged_by::own, .rate = rate},
                    .second = {.judge = judge, .rate = judge == judged_by::none ? 0 : rate}});
  };
  for (const double rate : rates) against(judged_by::none, rate, "removing nothing");
  for (const double rate : rates) {
    if (languages > 1) against(judged_by::all, rate, "removing what all languages use least");
  }
  for (const double rate : rates) {
    if (languages > 1) against(judged_by::other, rate, "removing what another language uses least");
  }
  for (const double rate : rates) against(judged_by::most, rate, "removing what the language uses most");
  return list;
}

/// How survivors are run and how the removals are dealt to layers.
inline std::vector<compared> way_comparisons() {
  const std::string where = per_cent(routed_rate) + " removed";
  const auto with = [&](judged_by judge, routing how, budget_kind budget) {
    return variant{.judge = judge, .rate = routed_rate, .how = how, .budget = budget};
  };
  std::vector<compared> list{{.where = where + ", survivors routed by the oracle",
                              .first_name = "removing the experts that the language uses least",
                              .second_name = "removing random ones",
                              .first = with(judged_by::own, routing::top_k, budget_kind::uniform),
                              .second = with(judged_by::random, routing::top_k, budget_kind::uniform)},
                             {.where = "Nothing removed",
                              .first_name = "routing by the oracle",
                              .second_name = "having all experts on",
                              .first = {.how = routing::top_k},
                              .second = {}},
                             {.where = where + " (least used by the language)",
                              .first_name = "routing the survivors by the oracle",
                              .second_name = "having them all on",
                              .first = with(judged_by::own, routing::top_k, budget_kind::uniform),
                              .second = with(judged_by::own, routing::all, budget_kind::uniform)},
                             {.where = "Survivors routed by the oracle",
                              .first_name = "having removed " + per_cent(routed_rate) + " (least used by the language)",
                              .second_name = "having removed nothing",
                              .first = with(judged_by::own, routing::top_k, budget_kind::uniform),
                              .second = {.how = routing::top_k}}};
  for (const auto& [judge, name] :
       {std::pair{judged_by::own, "least used by the language"}, std::pair{judged_by::all, "least used by all"},
        std::pair{judged_by::random, "random"}}) {
    list.push_back({.where = where + " (" + name + ")",
                    .first_name = "the level budget",
                    .second_name = "the uniform budget",
                    .first = with(judge, routing::all, budget_kind::level),
                    .second = with(judge, routing::all, budget_kind::uniform)});
  }
  return list;
}

}  // namespace fissile::unravel
