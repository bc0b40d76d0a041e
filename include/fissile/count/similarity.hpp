// How alike two labels use the experts of a layer.
//
// Three measures, symmetric all: of the sets of frequent experts (jaccard), and of the frequencies themselves (cosine,
// and the Jensen-Shannon divergence that later work on mixtures uses). Experts marked as shared are left out.
#pragma once

#include <fissile/count/expert_set.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace fissile {

/// Experts in both sets, of the experts in either; 1 where both sets are empty.
inline double jaccard(const expert_set& a, const expert_set& b) {
  const auto both = static_cast<double>(intersection(a, b).size());
  const double either = static_cast<double>(a.size() + b.size()) - both;
  return either > 0 ? both / either : 1.0;
}

/// The cosine of the angle between the frequencies, from 0 to 1; NaN where one of the two has no uses.
/// Throws shape_error for layers that are split differently.
inline double cosine(const layer_counts& a, const layer_counts& b);

/// The divergence of the shares of all uses, in bits: 0 where they are the same, 1 where no expert is in both; NaN
/// where one of the two has no uses. Throws shape_error for layers that are split differently.
///
///   mean = (p + q) / 2;   divergence = sum over experts of (p log2(p / mean) + q log2(q / mean)) / 2
inline double jensen_shannon(const layer_counts& a, const layer_counts& b);

/// A measure of every label with every label in one layer. [labels x labels]
/// `measure(const layer_counts&, const layer_counts&)` returns a number: `cosine`, `jensen_shannon`, a lambda.
template <class Measure>
std::vector<std::vector<double>> between_labels(const activation_counts& counts, index_t layer,
                                                const Measure& measure) {
  std::vector<std::vector<double>> table(counts.labels().size());
  for (index_t a = 0; a < length(counts.labels()); ++a) {
    for (index_t b = 0; b < length(counts.labels()); ++b) {
      table[to_size(a)].push_back(measure(counts.of(a, layer), counts.of(b, layer)));
    }
  }
  return table;
}

/// Throws shape_error unless both count the same experts, the same ones shared.
inline void check_comparable(const layer_counts& a, const layer_counts& b, std::string_view who) {
  if (a.same_shape(b)) return;
  fail<shape_error>({.argument = who,
                     .expected = "counts of layers that are split alike",
                     .got = std::to_string(a.experts()) + " and " + std::to_string(b.experts()) + " experts",
                     .cure = "the same experts must be marked as shared, too"});
}

/// The uses of the experts that are not marked as shared, and their sum.
struct unshared_uses {
  explicit unshared_uses(const layer_counts& counts) {
    for (index_t e = 0; e < counts.experts(); ++e) {
      if (counts.is_shared(e)) continue;
      values.push_back(static_cast<double>(counts.uses[to_size(e)]));
      total += values.back();
    }
  }
  std::vector<double> values;
  double total = 0;
};

inline double cosine(const layer_counts& a, const layer_counts& b) {
  check_comparable(a, b, "cosine");
  const unshared_uses p{a}, q{b};
  double product = 0, p_square = 0, q_square = 0;
  for (std::size_t e = 0; e < p.values.size(); ++e) {
    product += p.values[e] * q.values[e];
    p_square += p.values[e] * p.values[e];
    q_square += q.values[e] * q.values[e];
  }
  // tokens divide both sides, so uses serve as frequencies
  return std::min(product / (std::sqrt(p_square) * std::sqrt(q_square)), 1.0);
}

inline double jensen_shannon(const layer_counts& a, const layer_counts& b) {
  check_comparable(a, b, "jensen_shannon");
  const unshared_uses uses_a{a}, uses_b{b};
  double sum = 0;
  if (!(uses_a.total > 0 && uses_b.total > 0)) return std::numeric_limits<double>::quiet_NaN();
  for (std::size_t e = 0; e < uses_a.values.size(); ++e) {
    const double p = uses_a.values[e] / uses_a.total;
    const double q = uses_b.values[e] / uses_b.total;
    // both terms before the sum: exchanging the two changes no bit
    sum += (p > 0 ? p * std::log2(2 * p / (p + q)) : 0.0) + (q > 0 ? q * std::log2(2 * q / (p + q)) : 0.0);
  }
  return std::clamp(sum / 2, 0.0, 1.0);  // rounding may lead a little beyond
}

}  // namespace fissile
