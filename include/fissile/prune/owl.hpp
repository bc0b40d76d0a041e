// OWL: layers with more outliers among their weights' scores keep more of them.
//
// Yin et al. 2024, "Outlier Weighed Layerwise Sparsity" (arXiv 2310.05175), after the authors' code (luuyin/OWL):
//
//   level_l = 100 * share of scores > multiple * mean score    (scores of Wanda, pooled over the layer's matrices)
//   keep_l  = 2 lambda (level_l - lowest) / (highest - lowest) - mean of that over layers + 1 - rate
//   rate_l  = 1 - keep_l = rate - 2 lambda (level_l - mean level) / (highest - lowest)
//
// so the rates are those of `by_level` with twice the lambda. What differs from the paper is that whole experts are
// removed, hence the rounding of `by_level`.
#pragma once

#include <fissile/prune/budgets.hpp>

namespace fissile {

/// The level of a layer: per cent of scores above `multiple` times their mean. 3 is the code's default; the paper and
/// its examples use others. 0 where there are no scores.
inline double outlier_level(vector_view<const double> scores, double multiple = 3) noexcept {
  double sum = 0;
  for (double score : scores) sum += score;
  const double limit = multiple * sum / static_cast<double>(scores.length());
  index_t above = 0;
  for (double score : scores) above += score > limit ? 1 : 0;
  return scores.empty() ? 0.0 : 100.0 * static_cast<double>(above) / static_cast<double>(scores.length());
}

struct owl {
  double rate = 0;
  std::vector<double> levels = {};  // [layers], as `outlier_level` gives them
  double lambda = 0.08;             // rates lie at most 2 lambda apart; from 0 to 0.5
  index_t keep_at_least = 1;        // unshared experts that must stay in each layer
  total_rounding total = total_rounding::once;

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
            .lambda = 2 * lambda,
            .keep_at_least = keep_at_least,
            .meaning = level_meaning::high_removes_less,
            .total = total};
  }
};

}  // namespace fissile
