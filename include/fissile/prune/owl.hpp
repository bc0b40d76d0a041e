// OWL: layers with more outliers among their weights' scores keep more of them.
//
// Yin et al. 2024, "Outlier Weighed Layerwise Sparsity" (arXiv 2310.05175), after the authors' code (luuyin/OWL):
//
//   level_l = 100 * share of scores > multiple * mean score    (scores of Wanda, pooled over the layer's matrices)
//   keep_l  = 2 lambda (level_l - lowest) / (highest - lowest) - mean of that over layers + 1 - rate
//   rate_l  = 1 - keep_l = rate - 2 lambda (level_l - mean level) / (highest - lowest)
//
// so the rates are those of `by_level` with twice the lambda. The paper's words are narrower than its code: they keep
// every rate_l within rate +- lambda; `rate_spread` names both. What differs from either is that whole experts are
// removed, hence the rounding of `by_level`.
#pragma once

#include <fissile/prune/budgets.hpp>

namespace fissile {

/// The level of a layer: per cent of scores above `multiple` times their mean. 3 is the code's default; the paper and
/// its examples use others. Scores that are NaN do not count (ours); 0 where no others are.
inline double outlier_level(vector_view<const double> scores, double multiple = 3) noexcept {
  double sum = 0;
  index_t count = 0;
  for (double score : scores) {
    sum += std::isnan(score) ? 0 : score;
    count += std::isnan(score) ? 0 : 1;
  }
  const double limit = multiple * sum / static_cast<double>(count);
  index_t above = 0;
  for (double score : scores) above += score > limit ? 1 : 0;
  return count == 0 ? 0.0 : 100.0 * static_cast<double>(above) / static_cast<double>(count);
}

/// How far rates lie from each other.
enum class rate_spread {
  two_lambda_apart,   // the lowest from the highest, as the authors' code: one of them may be beyond rate +- lambda
  lambda_around_rate  // the rate furthest from the mean is lambda away from it, as the paper's words; the scale is ours
};

/// The lambda of `by_level` with which the rate furthest from the mean is `bound` away from it: by_level's spread is
/// highest - lowest, this one's the largest |level - mean|. `bound` where all levels are equal.
inline double lambda_within(vector_view<const double> levels, double bound) noexcept {
  double mean = 0, low = HUGE_VAL, high = -HUGE_VAL;
  for (index_t layer = 0; layer < levels.length(); ++layer) {
    mean += levels[layer] / static_cast<double>(levels.length());
    low = std::min(low, levels[layer]);
    high = std::max(high, levels[layer]);
  }
  return high > low ? bound * ((high - low) / std::max(high - mean, mean - low)) : bound;
}

struct owl {
  double rate = 0;
  std::vector<double> levels = {};  // [layers], as `outlier_level` gives them
  double lambda = 0.08;             // see `spread`; from 0 to 0.5
  index_t keep_at_least = 1;        // unshared experts that must stay in each layer
  total_rounding total = total_rounding::once;
  rate_spread spread = rate_spread::two_lambda_apart;

  std::string name() const { return "owl(" + short_number(rate) + ", lambda " + short_number(lambda) + ")"; }
  /// Before they are bounded and rounded; their mean is `rate`. [layers]
  std::vector<double> raw_rates() const { return as_levels().raw_rates(); }
  /// Errors as `by_level`.
  std::vector<index_t> removals(vector_view<const layer_size> layers) const {
    if (!(lambda >= 0 && lambda <= 0.5)) {
      fail<setting_error>({.argument = "owl: lambda", .expected = "from 0 to 0.5", .got = short_number(lambda)});
    }
    return as_levels().removals(layers, "owl");
  }

private:
  by_level as_levels() const {
    return {.rate = rate,
            .levels = levels,
            .lambda = spread == rate_spread::two_lambda_apart ? 2 * lambda : lambda_within(levels, lambda),
            .keep_at_least = keep_at_least,
            .meaning = level_meaning::high_removes_less,
            .total = total};
  }
};

}  // namespace fissile
