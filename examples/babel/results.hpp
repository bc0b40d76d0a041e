// Rows brought together: means over seeds and languages, and differences paired over languages with their intervals.
#pragma once

#include "plan.hpp"

#include <row_file.hpp>

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace fissile::babel_study {

using row_file = examples::row_file<double>;

/// The 97.5 % point of Student's t for 1 ... 18 degrees of freedom.
inline double student(index_t freedom) {
  constexpr std::array<double, 18> points{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262,
                                          2.228,  2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101};
  Expects(freedom >= 1 && freedom <= length(points));
  return points[to_size(freedom - 1)];
}

/// Of numbers, one a language. Positive differences say that the second costs more than the first.
struct summary {
  double mean = 0;
  double half_width = 0;  // of the 95 % interval: student(n - 1) * deviation / sqrt(n)
  index_t positive = 0, languages = 0;

  bool clear() const noexcept { return std::abs(mean) > half_width; }
};
inline summary summary_of(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  summary made{.languages = length(values)};
  double squares = 0;
  for (const double value : values) {
    made.mean += value / n;
    made.positive += value > 0 ? 1 : 0;
  }
  for (const double value : values) squares += (value - made.mean) * (value - made.mean);
  if (values.size() > 1) made.half_width = student(length(values) - 1) * std::sqrt(squares / (n - 1) / n);
  return made;
}

/// One number for each of `pruned_languages`; nothing where a row is missing.
using by_language = std::optional<std::vector<double>>;

class results {
public:
  results(const row_file& rows, std::string model) : rows_(&rows), model_(std::move(model)) {}
  const std::string& model() const noexcept { return model_; }
  const row_file& rows() const noexcept { return *rows_; }

  by_language bits(const pruning& how) const {
    std::vector<double> found;
    for (const auto language : pruned_languages) {
      const auto row = rows_->find(how.key(model_, language));
      if (!row) return std::nullopt;
      found.push_back(*row);
    }
    return found;
  }
  /// Means over the seeds 1 ... `seeds`.
  by_language random_bits(pruning how, std::uint64_t seeds) const {
    std::vector<double> mean(pruned_languages.size(), 0.0);
    how.judge = judge_kind::random;
    for (how.seed = 1; how.seed <= seeds; ++how.seed) {
      const by_language draw = bits(how);
      if (!draw) return std::nullopt;
      for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += (*draw)[i] / static_cast<double>(seeds);
    }
    return mean;
  }
  /// The deviation of the languages' mean over the seeds.
  std::optional<double> deviation_of_draws(pruning how, std::uint64_t seeds) const {
    std::vector<double> draws;
    how.judge = judge_kind::random;
    for (how.seed = 1; how.seed <= seeds; ++how.seed) {
      const by_language draw = bits(how);
      if (!draw) return std::nullopt;
      draws.push_back(summary_of(*draw).mean);
    }
    const double mean = summary_of(draws).mean;
    double squares = 0;
    for (const double one : draws) squares += (one - mean) * (one - mean);
    return std::sqrt(squares / static_cast<double>(draws.size() - 1));
  }

private:
  const row_file* rows_;
  std::string model_;
};

/// Second less first.
inline std::optional<summary> difference(const by_language& first, const by_language& second) {
  if (!first || !second) return std::nullopt;
  std::vector<double> differences;
  for (std::size_t i = 0; i < first->size(); ++i) differences.push_back((*second)[i] - (*first)[i]);
  return summary_of(differences);
}

inline const std::string missing = "missing";
inline std::string mean_cell(const by_language& values) {
  return values ? fmt::format("{:.3f}", summary_of(*values).mean) : missing;
}
/// "+.221 ± .052 (8 of 8)", bold where the interval leaves 0 out.
inline std::string difference_cell(const std::optional<summary>& found) {
  if (!found) return missing;
  const std::string text = fmt::format("{:+.3f} ± {:.3f}", found->mean, found->half_width);
  return (found->clear() ? "**" + text + "**" : text) + fmt::format(" ({} of {})", found->positive, found->languages);
}

}  // namespace fissile::babel_study
