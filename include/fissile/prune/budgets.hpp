// Budgets: the same share of every layer, or more from some layers and less from others with the total exact.
#pragma once

#include <fissile/prune/budget.hpp>
#include <fissile/prune/largest_remainders.hpp>

#include <numeric>
#include <string_view>

namespace fissile {

/// Every layer removes floor(rate * experts + 1/2) of its experts, shared ones counted among them.
struct uniform {
  double rate = 0;
  index_t keep_at_least = 1;  // unshared experts that must stay in each layer, as the k of a router asks for

  std::string name() const { return "uniform(" + short_number(rate) + ")"; }

  /// Throws setting_error where a layer would keep too few.
  std::vector<index_t> removals(vector_view<const layer_size> layers) const {
    check_budget(rate, keep_at_least, "uniform");
    std::vector<index_t> removed;
    for (index_t layer = 0; layer < layers.length(); ++layer) {
      const index_t share = rounded_share(rate, layers[layer].experts);
      const index_t most = most_removable(layers[layer], keep_at_least);
      if (share > most) {
        fail<setting_error>({.argument = "uniform: rate",
                             .expected = "at most " + std::to_string(most) + " of the " +
                                         std::to_string(layers[layer].experts) + " experts of layer " +
                                         std::to_string(layer) + " to go",
                             .got = std::to_string(share) + " at rate " + short_number(rate),
                             .cure = "lower the rate or keep_at_least"});
      }
      removed.push_back(share);
    }
    return removed;
  }
};

/// What a high level of a layer says.
enum class level_meaning {
  high_removes_less,  // mean |h|, a share of experts that are used often, a share of outliers
  high_removes_more   // a share of experts that are never used
};

/// Where the total of all layers is rounded to whole experts.
enum class total_rounding {
  once,       // floor(rate * all experts + 1/2)
  each_layer  // the sum over layers of floor(rate * experts + 1/2): the total of `uniform`, for a fair comparison
};

/// Layers differ by a level measured on them:
///
///   rate_l = rate -+ lambda * (level_l - mean level) / (highest level - lowest level)
///
/// with - where a high level removes less; all rates are equal where all levels are. Then rates become whole experts
/// by `largest_remainders`, so that the total is exact. Layer-wise rates after activation levels: Liu et al. 2024,
/// "Unraveling Babel"; the paper does not publish its rule, and this one is ours.
struct by_level {
  double rate = 0;
  std::vector<double> levels = {};  // [layers]
  double lambda = 0.1;              // how far apart the highest and the lowest layer's rates are, from 0 to 1
  index_t keep_at_least = 1;        // unshared experts that must stay in each layer
  level_meaning meaning = level_meaning::high_removes_less;
  total_rounding total = total_rounding::once;

  std::string name() const { return "by_level(" + short_number(rate) + ", lambda " + short_number(lambda) + ")"; }

  /// The rates before they are bounded and rounded; their mean is `rate`, some may be negative. [layers]
  std::vector<double> raw_rates() const;

  /// Throws shape_error for a wrong number of levels, setting_error where the total cannot be removed. `who` is named
  /// in refusals.
  std::vector<index_t> removals(vector_view<const layer_size> layers, std::string_view who = "by_level") const;

private:
  void check(index_t layers, std::string_view who) const;
};

inline std::vector<double> by_level::raw_rates() const {
  std::vector<double> rates(levels.size(), rate);
  if (levels.empty()) return rates;
  const auto [lowest, highest] = std::minmax_element(levels.begin(), levels.end());
  const double spread = *highest - *lowest;
  if (!(spread > 0)) return rates;
  const double mean = std::accumulate(levels.begin(), levels.end(), 0.0) / static_cast<double>(levels.size());
  const double sign = meaning == level_meaning::high_removes_less ? 1.0 : -1.0;
  for (index_t layer = 0; layer < length(levels); ++layer) {
    rates[to_size(layer)] = rate - sign * lambda * ((levels[to_size(layer)] - mean) / spread);
  }
  return rates;
}

inline void by_level::check(index_t layers, std::string_view who) const {
  check_budget(rate, keep_at_least, who);
  if (length(levels) != layers) {
    fail<shape_error>({.argument = std::string(who) + ": levels",
                       .expected = std::to_string(layers) + " numbers, one a layer",
                       .got = std::to_string(levels.size())});
  }
  const auto bad = std::find_if_not(levels.begin(), levels.end(), [](double level) { return std::isfinite(level); });
  if (bad != levels.end()) {
    fail<setting_error>({.argument = std::string(who) + ": levels",
                         .expected = "finite numbers",
                         .got = short_number(*bad) + " for layer " + std::to_string(bad - levels.begin())});
  }
  if (!(lambda >= 0 && lambda <= 1)) {
    fail<setting_error>(
        {.argument = std::string(who) + ": lambda", .expected = "from 0 to 1", .got = short_number(lambda)});
  }
}

inline std::vector<index_t> by_level::removals(vector_view<const layer_size> layers, std::string_view who) const {
  check(layers.length(), who);
  const std::vector<double> rates = raw_rates();
  std::vector<bounded_share> shares;
  index_t experts = 0;
  index_t most = 0;
  index_t each = 0;
  for (index_t layer = 0; layer < layers.length(); ++layer) {
    const layer_size size = layers[layer];
    shares.push_back({.wanted = rates[to_size(layer)] * static_cast<double>(size.experts),
                      .size = size.experts,
                      .bound = most_removable(size, keep_at_least)});
    experts += size.experts;
    most += shares.back().bound;
    each += rounded_share(rate, size.experts);
  }
  const index_t wanted = total == total_rounding::once ? rounded_share(rate, experts) : each;
  if (wanted > most) {
    fail<setting_error>({.argument = std::string(who) + ": rate",
                         .expected = "at most " + std::to_string(most) + " of " + std::to_string(experts) +
                                     " experts to go, with " + std::to_string(keep_at_least) + " kept in each of " +
                                     std::to_string(layers.length()) + " layers",
                         .got = std::to_string(wanted) + " at rate " + short_number(rate),
                         .cure = "lower the rate or keep_at_least"});
  }
  return largest_remainders(shares, wanted);
}

}  // namespace fissile
