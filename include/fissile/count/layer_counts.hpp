// How often the experts of one layer were chosen in texts of one label: sums of whole numbers, so that merging is
// exact.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
#include <fissile/partition/partition.hpp>
#include <fissile/route/route.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace fissile {

/// Plain data: print it, save it, compare it, merge it. It is itself a route_observer.
/// Law: the sum of uses over all experts is the sum over tokens of the experts in their routes.
struct layer_counts {
  std::uint64_t tokens = 0;
  std::uint64_t empty_routes = 0;      // tokens for which nothing was chosen
  std::uint64_t undefined_scores = 0;  // scores that were no number
  std::uint64_t saturations = 0;       // weights that were no number, or too large for their sum
  std::vector<std::uint64_t> uses;     // [experts]: tokens that chose the expert
  std::vector<std::int64_t> weights;   // [experts]: sum of the routes' weights, in steps of 2^-24
  std::vector<char> shared;            // [experts]: 1 where the partition marks the expert as shared

  static constexpr double step = 0x1p-24;  // of `weights`

  layer_counts() = default;
  explicit layer_counts(const partition& split)
      : uses(to_size(split.experts()), 0), weights(to_size(split.experts()), 0), shared(to_size(split.experts()), 0) {
    for (index_t e : split.shared_experts()) shared[to_size(e)] = 1;
  }

  index_t experts() const noexcept { return length(uses); }
  bool is_shared(index_t e) const noexcept { return shared[to_size(e)] != 0; }

  /// Tokens that chose expert e, of all tokens seen; 0 where none was seen.
  double frequency(index_t e) const noexcept {
    return tokens == 0 ? 0.0 : static_cast<double>(uses[to_size(e)]) / static_cast<double>(tokens);
  }
  /// The sum of the weights with which expert e was chosen. Exact while `saturations` is 0 and weights are multiples
  /// of 2^-24; otherwise each weight is rounded to the nearest step.
  double weight(index_t e) const noexcept { return static_cast<double>(weights[to_size(e)]) * step; }

  /// One token's route. Allocates nothing.
  void token(const route& chosen) noexcept {
    ++tokens;
    if (chosen.empty()) ++empty_routes;
    undefined_scores += static_cast<std::uint64_t>(chosen.undefined_scores);
    for (const choice& c : chosen) {
      Expects(c.expert >= 0 && c.expert < experts());
      ++uses[to_size(c.expert)];
      add_weight(c.expert, c.weight);
    }
  }

  /// As if no token had been seen.
  void clear() noexcept {
    tokens = empty_routes = undefined_scores = saturations = 0;
    std::fill(uses.begin(), uses.end(), std::uint64_t{0});
    std::fill(weights.begin(), weights.end(), std::int64_t{0});
  }

  /// Whether `other` counts the same experts, the same ones shared.
  bool same_shape(const layer_counts& other) const noexcept { return shared == other.shared; }

  /// Whether every sum of `other` and this still fits 64 bits; `merge` expects it.
  bool can_merge(const layer_counts& other) const noexcept;
  /// Adds the counts of other tokens. Exact, associative and commutative while `saturations` stays 0.
  void merge(const layer_counts& other) noexcept;

  /// Whether all of `part` can have been counted into this.
  bool can_subtract(const layer_counts& part) const noexcept;
  /// The inverse of `merge`: takes tokens out that were counted before.
  void subtract(const layer_counts& part) noexcept;

  /// What cannot be true of any counting, in words; empty where all is well. For what was read from a file.
  std::string contradiction() const;

  friend bool operator==(const layer_counts&, const layer_counts&) = default;

private:
  static constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  static constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();

  static bool fits(std::uint64_t a, std::uint64_t b) noexcept { return a <= ~b; }

  void add_weight(index_t e, float weight) noexcept {
    const double steps = std::round(static_cast<double>(weight) / step);
    if (steps > -0x1p63 && steps < 0x1p63) return add_steps(e, static_cast<std::int64_t>(steps));
    ++saturations;
    if (steps == steps) weights[to_size(e)] = steps > 0 ? most : least;  // a NaN weight adds nothing
  }
  void add_steps(index_t e, std::int64_t steps) noexcept {
    std::int64_t& sum = weights[to_size(e)];
    if (steps > 0 ? sum <= most - steps : sum >= least - steps) {
      sum += steps;
    } else {
      ++saturations;
      sum = steps > 0 ? most : least;
    }
  }
};

inline bool layer_counts::can_merge(const layer_counts& other) const noexcept {
  bool all = same_shape(other) && fits(tokens, other.tokens) && fits(empty_routes, other.empty_routes) &&
             fits(undefined_scores, other.undefined_scores) && fits(saturations, other.saturations);
  for (index_t e = 0; all && e < experts(); ++e) all = fits(uses[to_size(e)], other.uses[to_size(e)]);
  return all;
}

inline void layer_counts::merge(const layer_counts& other) noexcept {
  Expects(can_merge(other));
  tokens += other.tokens;
  empty_routes += other.empty_routes;
  undefined_scores += other.undefined_scores;
  saturations += other.saturations;
  for (index_t e = 0; e < experts(); ++e) {
    uses[to_size(e)] += other.uses[to_size(e)];
    add_steps(e, other.weights[to_size(e)]);
  }
}

inline bool layer_counts::can_subtract(const layer_counts& part) const noexcept {
  bool all = same_shape(part) && tokens >= part.tokens && empty_routes >= part.empty_routes &&
             undefined_scores >= part.undefined_scores && saturations >= part.saturations;
  for (index_t e = 0; all && e < experts(); ++e) all = uses[to_size(e)] >= part.uses[to_size(e)];
  return all;
}

inline void layer_counts::subtract(const layer_counts& part) noexcept {
  Expects(can_subtract(part));
  tokens -= part.tokens;
  empty_routes -= part.empty_routes;
  undefined_scores -= part.undefined_scores;
  saturations -= part.saturations;
  for (index_t e = 0; e < experts(); ++e) {
    uses[to_size(e)] -= part.uses[to_size(e)];
    const std::int64_t taken = part.weights[to_size(e)];
    add_steps(e, taken == least ? most : -taken);  // a saturated sum has no exact inverse
  }
}

inline std::string layer_counts::contradiction() const {
  if (uses.empty()) return "no experts";
  if (weights.size() != uses.size() || shared.size() != uses.size()) return "uses, weights and shared differ in length";
  if (empty_routes > tokens) return "more empty routes than tokens";
  const std::uint64_t routed = tokens - empty_routes;
  std::uint64_t found = 0;  // uses of the experts so far, as far as they matter: up to `routed`
  for (index_t e = 0; e < experts(); ++e) {
    const std::uint64_t use = uses[to_size(e)];
    const std::string name = "expert " + std::to_string(e);
    if (use > routed) return name + " is used by more tokens than chose any expert";
    if (use == 0 && weights[to_size(e)] != 0) return name + " has weight but no uses";
    found += use < routed - found ? use : routed - found;
  }
  if (found < routed) return "fewer uses than tokens that chose an expert";
  const auto n = static_cast<std::uint64_t>(experts());
  if (undefined_scores / n > tokens || (undefined_scores / n == tokens && undefined_scores % n != 0)) {
    return "more undefined scores than tokens times experts";
  }
  return {};
}

}  // namespace fissile
