// The tables of a study, for the terminal and the report alike.
#pragma once

#include "comparisons.hpp"

#include <fissile/report/table.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace fissile::unravel {

inline std::string shown(double number, int decimals = 3) {
  return std::isnan(number) ? std::string{"-"} : fmt::format("{:.{}f}", number, decimals);
}

/// What was read of each language.
inline table text_table(const study_result& done) {
  table made{.columns = {{"language"},
                         {"bytes of text", alignment::right},
                         {"counted bytes", alignment::right},
                         {"counted tokens", alignment::right},
                         {"scored blocks", alignment::right},
                         {"their bytes", alignment::right},
                         {"bytes scored", alignment::right},
                         {"remark"}},
             .rows = {}};
  for (index_t i = 0; i < length(done.languages); ++i) {
    const language_texts& one = done.languages[to_size(i)];
    index_t scored = 0;
    for (const study_row& row : done.rows) scored = row.language == i ? row.scored.bytes : scored;
    made.rows.push_back({one.language, std::to_string(one.text_bytes), std::to_string(one.counted_bytes),
                         std::to_string(done.counts.tokens(i)), std::to_string(one.scored_blocks),
                         std::to_string(one.scored_bytes), std::to_string(scored),
                         one.length == text_length::short_of ? "shorter than asked for: used whole" : ""});
  }
  return made;
}

/// A row a language and their mean; a column for each judge.
inline table bits_table(const study_result& done, const variant& like) {
  const std::vector<judged_by> judges{judged_by::none,  judged_by::own,    judged_by::all,
                                      judged_by::other, judged_by::random, judged_by::most};
  table made{.columns = {{"language"}}, .rows = {}};
  for (const judged_by judge : judges) {
    made.columns.push_back({std::string{name_of(judge)}, alignment::right});
    if (judge == judged_by::random) made.columns.push_back({"(sd of seeds)", alignment::right});
  }
  std::vector<std::vector<double>> columns(made.columns.size());
  const auto add_row = [&](const std::string& name, const std::vector<double>& values) {
    made.rows.push_back({name});
    for (const double value : values) made.rows.back().push_back(shown(value));
  };
  for (index_t language = 0; language < length(done.languages); ++language) {
    std::vector<double> values;
    for (const judged_by judge : judges) {
      variant which = like;
      which.judge = judge;
      if (judge == judged_by::none) which.rate = 0, which.budget = budget_kind::uniform;
      const std::vector<double> found = bits_of(done, language, which);
      values.push_back(mean_of(found));
      if (judge == judged_by::random) values.push_back(deviation_of(found));
    }
    for (std::size_t i = 0; i < values.size(); ++i) columns[i].push_back(values[i]);
    add_row(done.languages[to_size(language)].language, values);
  }
  std::vector<double> means;
  for (std::size_t i = 0; i + 1 < columns.size(); ++i) means.push_back(mean_of(columns[i]));
  add_row("mean", means);
  return made;
}

inline table paired_table(const std::vector<paired>& list) {
  table made{.columns = {{"where"},
                         {"first"},
                         {"second"},
                         {"difference", alignment::right},
                         {"sd", alignment::right},
                         {"standard error", alignment::right},
                         {"first better in", alignment::right}},
             .rows = {}};
  for (const paired& one : list) {
    made.rows.push_back({one.what.where, one.what.first_name, one.what.second_name, fmt::format("{:+.3f}", one.mean),
                         shown(one.deviation), shown(one.standard_error),
                         fmt::format("{} of {}", one.better, one.differences.size())});
  }
  return made;
}

/// Differences language by language, one column a rate.
inline table difference_table(const study_result& done, const std::vector<paired>& list) {
  table made{.columns = {{"language"}}, .rows = {}};
  for (const paired& one : list) made.columns.push_back({one.what.where, alignment::right});
  for (index_t language = 0; language < length(done.languages); ++language) {
    made.rows.push_back({done.languages[to_size(language)].language});
    for (const paired& one : list) {
      made.rows.back().push_back(fmt::format("{:+.3f}", one.differences[to_size(language)]));
    }
  }
  return made;
}

/// A number for every pair of languages.
inline table matrix_table(const std::vector<std::string>& names, const std::vector<std::vector<double>>& numbers) {
  table made{.columns = {{""}}, .rows = {}};
  for (const std::string& name : names) made.columns.push_back({name, alignment::right});
  for (std::size_t a = 0; a < names.size(); ++a) {
    made.rows.push_back({names[a]});
    for (const double number : numbers[a]) made.rows.back().push_back(shown(number, 2));
  }
  return made;
}

}  // namespace fissile::unravel
