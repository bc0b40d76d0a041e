// The tables of the result page, as Markdown. What was not measured is said to be missing.
#pragma once

#include "item_results.hpp"
#include "results.hpp"

#include <fissile/report/table.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace fissile::pruning_study {

inline const std::string missing = "missing";

inline table table_of(const std::vector<std::string>& names) {
  table made;
  for (const std::string& name : names) {
    made.columns.push_back({name, made.columns.empty() ? alignment::left : alignment::right});
  }
  return made;
}
inline table table_by_language(const std::string& rows, const std::vector<std::string>& more) {
  std::vector<std::string> names{rows};
  names.insert(names.end(), languages.begin(), languages.end());
  names.insert(names.end(), more.begin(), more.end());
  return table_of(names);
}
inline std::string number(double value) {
  return std::isnan(value) ? missing : fmt::format("{:.3f}", value);
}

/// Calibrations by languages that are scored, means over seeds, the best of each column bold; and the mean over
/// languages with its deviation over seeds.
inline table matrix_table(const row_file& rows, const table_plan& plan) {
  table made = table_by_language("calibrated on", {"mean (sd of seeds)"});
  struct line {
    std::string name;
    std::vector<double> bits;
    std::string mean;
  };
  std::vector<line> lines;
  const auto add = [&](const std::string& name, experiment one) {
    std::vector<double> means;
    for (one.seed = 1; one.seed <= plan.last_seed; ++one.seed) {
      if (one.seed > 1 && one.key() == one.name()) break;  // nothing is drawn
      const auto bits = rows.find(one.key() + " | bits");
      if (bits) means.push_back(spread_of(*bits).mean);
    }
    const spread found = spread_of(means);
    std::string cell = means.empty() ? missing : number(found.mean);
    if (means.size() > 1 && found.deviation > 0) cell += fmt::format(" ({:.3f})", found.deviation);
    lines.push_back({name, mean_bits(rows, one, plan.last_seed), cell});
  };
  const bool neurons = takes_neurons(plan.how);
  add("not pruned", {});
  for (const calibration& on : all_calibrations()) add(on.name(), {.how = plan.how, .rate = plan.rate, .on = on});
  const std::size_t texts = lines.size();
  add("(magnitude)", {.how = neurons ? method::neurons_magnitude : method::magnitude, .rate = plan.rate});
  add("(by lot)", {.how = neurons ? method::neurons_random : method::random, .rate = plan.rate});
  for (const line& one : lines) {
    std::vector<std::string> cells{one.name};
    for (std::size_t language = 0; language < languages.size(); ++language) {
      if (one.bits.empty()) {
        cells.push_back(missing);
        continue;
      }
      double best = HUGE_VAL;
      for (std::size_t i = 1; i < texts; ++i) {
        if (!lines[i].bits.empty()) best = std::min(best, lines[i].bits[language]);
      }
      const std::string cell = number(one.bits[language]);
      cells.push_back(one.bits[language] == best ? "**" + cell + "**" : cell);
    }
    cells.push_back(one.mean);
    made.rows.push_back(std::move(cells));
  }
  return made;
}

/// The claims: second less first, mean over languages ± its standard error, and the deviation over seeds where there
/// are several.
inline table comparison_table(const row_file& rows, const std::vector<table_plan>& plans) {
  std::vector<std::string> names{"judged by", "instead of"};
  for (const table_plan& plan : plans) {
    names.push_back(std::string{name_of(plan.how)} + ", " + short_number(100 * plan.rate) + " %");
  }
  table made = table_of(names);
  made.columns[1].align = alignment::left;
  for (const comparison& what : comparisons()) {
    std::vector<std::string> cells{what.first_name, what.second_name};
    for (const table_plan& plan : plans) {
      const auto found = differ(rows, plan, what);
      if (!found) {
        cells.push_back(missing);
        continue;
      }
      const spread& of = found->over_languages;
      const std::string text = fmt::format("{:+.3f} ± {:.3f}", of.mean, of.error());
      cells.push_back(
          (std::abs(of.mean) > 2 * of.error() ? "**" + text + "**" : text) +
          fmt::format(" ({} of {}", of.positive, of.count) +
          (found->over_seeds.count > 1 ? fmt::format("; seeds {:.3f})", found->over_seeds.deviation) : ")"));
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

/// One claim language by language: mean over seeds (deviation over seeds), and in how many of all languages and seeds
/// it is above 0.
inline table language_table(const row_file& rows, const std::vector<table_plan>& plans, const comparison& what) {
  std::vector<std::string> names{"pruned by"};
  names.insert(names.end(), languages.begin() + what.first_scored, languages.end());
  names.push_back("above 0");
  table made = table_of(names);
  for (const table_plan& plan : plans) {
    made.rows.push_back({std::string{name_of(plan.how)} + ", " + short_number(100 * plan.rate) + " %"});
    const auto found = differ(rows, plan, what);
    made.rows.back().resize(names.size(), missing);
    if (!found) continue;
    index_t above = 0, all = 0;
    for (std::size_t i = 0; i < found->by_language.size(); ++i) {
      const spread& of = found->by_language[i];
      made.rows.back()[i + 1] = fmt::format("{:+.3f}", of.mean);
      if (of.count > 1) made.rows.back()[i + 1] += fmt::format(" ({:.3f})", of.deviation);
      above += of.positive;
      all += of.count;
    }
    made.rows.back().back() = fmt::format("{} of {}", above, all);
  }
  return made;
}

/// What stayed, by pairs of calibrations with seed 1; the last column is the same calibration with seed 2.
inline table overlap_table(const row_file& rows, const table_plan& plan) {
  const std::vector<calibration> texts = all_calibrations();
  std::vector<std::string> names{""};
  for (const calibration& on : texts) names.push_back(on.name());
  names.push_back("itself, seed 2");
  table made = table_of(names);
  const auto overlaps = rows.find(measurement::overlap_key(plan, 1));
  const auto seeds_apart = rows.find(measurement::overlap_key(plan, 2));
  for (std::size_t a = 0; a < texts.size(); ++a) {
    std::vector<std::string> cells{texts[a].name()};
    for (std::size_t b = 0; b < texts.size(); ++b) {
      cells.push_back(!overlaps ? missing : fmt::format("{:.2f}", (*overlaps)[a * texts.size() + b]));
    }
    cells.push_back(!seeds_apart ? missing : fmt::format("{:.2f}", (*seeds_apart)[a]));
    made.rows.push_back(std::move(cells));
  }
  return made;
}

/// Errors of the feed-forward layers: by layer, mean over languages; and over layers, in the calibration's own language
/// and in the others.
inline table error_table(const row_file& rows, const table_plan& plan, index_t layers) {
  std::vector<std::string> names{"calibrated on"};
  for (index_t layer = 0; layer < layers; ++layer) names.push_back("layer " + std::to_string(layer));
  names.insert(names.end(), {"all layers", "own language", "other languages"});
  table made = table_of(names);
  for (const experiment& one : experiments_of(plan)) {
    if (one.seed != 1) continue;
    std::vector<std::string> cells{one.on.name()};
    const auto errors = rows.find(one.key() + " | errors");
    std::vector<double> own, others, all;
    for (index_t layer = 0; errors && layer < layers; ++layer) {
      std::vector<double> of_layer;
      for (index_t language = 0; language < language_count; ++language) {
        const double error = (*errors)[to_size(language * layers + layer)];
        of_layer.push_back(error);
        all.push_back(error);
        const bool is_own = one.on.kind == text_kind::one_language && one.on.language == language;
        (is_own ? own : others).push_back(error);
      }
      cells.push_back(number(spread_of(of_layer).mean));
    }
    if (errors) {
      cells.push_back(number(spread_of(all).mean));
      cells.push_back(own.empty() ? "" : number(spread_of(own).mean));
      cells.push_back(own.empty() ? "" : number(spread_of(others).mean));
    }
    made.rows.push_back(std::move(cells));
  }
  return made;
}

}  // namespace fissile::pruning_study
