// Rows brought together: read column-wise, as Kurz et al. (arXiv 2408.14398) do: for one language that is scored, which
// calibration keeps most of it?
#pragma once

#include "plan.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fissile::pruning_study {

/// Of a few numbers.
struct spread {
  double mean = 0;
  double deviation = 0;  // with n - 1; 0 of fewer than two
  index_t count = 0, positive = 0;

  double error() const noexcept { return count < 2 ? 0 : deviation / std::sqrt(static_cast<double>(count)); }
};
inline spread spread_of(const std::vector<double>& values) {
  spread made{.count = length(values)};
  for (const double value : values) {
    made.mean += value / static_cast<double>(values.size());
    made.positive += value > 0 ? 1 : 0;
  }
  double squares = 0;
  for (const double value : values) squares += (value - made.mean) * (value - made.mean);
  if (made.count > 1) made.deviation = std::sqrt(squares / static_cast<double>(made.count - 1));
  return made;
}

/// Bits per byte of one method at one rate with one seed.
class seed_results {
public:
  seed_results(const row_file& rows, experiment like) : rows_(&rows), like_(std::move(like)) {}

  /// [languages]; nothing where the row is missing.
  std::optional<std::vector<double>> bits(const calibration& on) const {
    experiment one = like_;
    one.on = on;
    return rows_->find(one.key() + " | bits");
  }
  std::optional<std::vector<double>> monolingual(index_t language) const {
    return bits({.kind = text_kind::one_language, .language = language});
  }
  /// Of a language that is scored: the mean over the calibrations in one other language. NaN where one is missing.
  double other_languages(index_t scored) const {
    double sum = 0;
    for (index_t other = 0; other < language_count; ++other) {
      const auto row = monolingual(other);
      if (!row) return std::nan("");
      if (other != scored) sum += (*row)[to_size(scored)];
    }
    return sum / static_cast<double>(language_count - 1);
  }
  double at(const calibration& on, index_t scored) const {
    const auto row = bits(on);
    return !row ? std::nan("") : (*row)[to_size(scored)];
  }
  /// Of the same rate and seed by a method that reads nothing.
  double baseline(method how, index_t scored) const {
    experiment one = like_;
    one.how = how;
    const auto row = rows_->find(one.key() + " | bits");
    return !row ? std::nan("") : (*row)[to_size(scored)];
  }
  method how() const noexcept { return like_.how; }

private:
  const row_file* rows_;
  experiment like_;
};

/// What a language costs in bits per byte with one kind of evidence; NaN where that is missing.
using cost_of_evidence = std::function<double(const seed_results&, index_t scored)>;

/// Second less first: positive where the first keeps more of a language.
struct comparison {
  std::string first_name, second_name;
  cost_of_evidence first, second;
  index_t first_scored = 0;  // languages before this one are not asked
};

inline std::vector<comparison> comparisons() {
  const auto by = [](text_kind kind) -> cost_of_evidence {
    return [kind](const seed_results& of, index_t scored) { return of.at({.kind = kind}, scored); };
  };
  const cost_of_evidence own = [](const seed_results& of, index_t scored) {
    return of.at({.kind = text_kind::one_language, .language = scored}, scored);
  };
  const cost_of_evidence others = [](const seed_results& of, index_t scored) { return of.other_languages(scored); };
  const cost_of_evidence english = [](const seed_results& of, index_t scored) {
    return of.at({.kind = text_kind::one_language, .language = 0}, scored);
  };
  const cost_of_evidence magnitude = [](const seed_results& of, index_t scored) {
    return of.baseline(takes_neurons(of.how()) ? method::neurons_magnitude : method::magnitude, scored);
  };
  const cost_of_evidence lot = [](const seed_results& of, index_t scored) {
    return of.baseline(takes_neurons(of.how()) ? method::neurons_random : method::random, scored);
  };
  const cost_of_evidence translation = by(text_kind::translation);
  return {{"translation", "one other language, mean of 7", translation, others},
          {"translation", "English, scored on the 7 others", translation, english, 1},
          {"translation", "the language itself", translation, own},
          {"translation", "all languages, plain", translation, by(text_kind::all_plain)},
          {"translation", "random bytes", translation, by(text_kind::random_bytes)},
          {"translation", "magnitude", translation, magnitude},
          {"translation", "random weights or neurons", translation, lot},
          {"the language itself", "one other language, mean of 7", own, others},
          {"the language itself", "all languages, plain", own, by(text_kind::all_plain)}};
}

/// Paired over languages, means over seeds; the deviation of the languages' mean over seeds; and each language's own.
struct difference {
  spread over_languages, over_seeds;
  std::vector<spread> by_language = {};  // [languages asked], over seeds
};
/// Of the seeds that have all rows; nothing where none has.
inline std::optional<difference> differ(const row_file& rows, const table_plan& plan, const comparison& what) {
  std::vector<std::vector<double>> by_language(to_size(language_count - what.first_scored));  // [languages][seeds]
  std::vector<double> languages_mean, seed_means;
  for (std::uint64_t seed = 1; seed <= plan.last_seed; ++seed) {
    const seed_results of{rows, {.how = plan.how, .rate = plan.rate, .seed = seed}};
    std::vector<double> differences;
    for (index_t scored = what.first_scored; scored < language_count; ++scored) {
      differences.push_back(what.second(of, scored) - what.first(of, scored));
    }
    const auto missing = [](double value) { return std::isnan(value); };
    if (std::any_of(differences.begin(), differences.end(), missing)) continue;
    seed_means.push_back(spread_of(differences).mean);
    for (std::size_t i = 0; i < differences.size(); ++i) by_language[i].push_back(differences[i]);
  }
  if (seed_means.empty()) return std::nullopt;
  difference made;
  for (const std::vector<double>& over_seeds : by_language) {
    made.by_language.push_back(spread_of(over_seeds));
    languages_mean.push_back(made.by_language.back().mean);
  }
  made.over_languages = spread_of(languages_mean);
  made.over_seeds = spread_of(seed_means);
  return made;
}

/// Bits per byte of every language, the mean over the seeds that are there; empty where there are none.
inline std::vector<double> mean_bits(const row_file& rows, experiment one, std::uint64_t last_seed) {
  std::vector<double> sums;
  double found = 0;
  for (one.seed = 1; one.seed <= last_seed; ++one.seed) {
    const auto row = rows.find(one.key() + " | bits");
    if (!row) continue;
    sums.resize(row->size(), 0.0);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += (*row)[i];
    ++found;
  }
  for (double& sum : sums) sum /= found;
  return sums;
}

}  // namespace fissile::pruning_study
