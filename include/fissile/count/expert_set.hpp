// Sets of experts: the busiest of a layer, those that all languages share, those that one language has for itself.
//
// Liu et al. 2024 ("Unraveling Babel") do not publish their threshold nor their share, so both rules are here and their
// numbers are the caller's. Experts that the partition marks as shared work for every token; they are never counted
// among the frequent ones, nor is an expert that was never used.
#pragma once

#include <fissile/count/activation_counts.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <iterator>
#include <string>
#include <vector>

namespace fissile {

/// Experts of one layer, ascending, each once.
using expert_set = std::vector<index_t>;

/// frequency_rule: which experts of a layer are frequent, by the counts of one label.
/// Law: ascending, each once; the same counts give the same set.
/// Satisfied by frequency_at_least, most_frequent, and functions of the user's.
template <class R>
concept frequency_rule = requires(const R& rule, const layer_counts& counts) {
  { rule(counts) } -> std::same_as<expert_set>;
};

/// The experts that were used most, first the busiest; ties go to the lower expert. Fewer than `at_most` where fewer
/// were used at all.
inline std::vector<index_t> busiest(const layer_counts& counts, index_t at_most) {
  Expects(at_most >= 0);
  std::vector<index_t> found;
  for (index_t e = 0; e < counts.experts(); ++e) {
    if (!counts.is_shared(e) && counts.uses[to_size(e)] > 0) found.push_back(e);
  }
  std::sort(found.begin(), found.end(), [&](index_t a, index_t b) {
    const std::uint64_t uses_a = counts.uses[to_size(a)], uses_b = counts.uses[to_size(b)];
    return uses_a > uses_b || (uses_a == uses_b && a < b);
  });
  if (length(found) > at_most) found.resize(to_size(at_most));
  return found;
}

/// All experts whose frequency reaches the threshold.
struct frequency_at_least {
  double threshold = 0.5;

  expert_set operator()(const layer_counts& counts) const {
    expert_set found;
    for (index_t e = 0; e < counts.experts(); ++e) {
      const bool used = !counts.is_shared(e) && counts.uses[to_size(e)] > 0;
      if (used && counts.frequency(e) >= threshold) found.push_back(e);
    }
    return found;
  }
};

/// This share of the experts that are not marked as shared, rounded to the nearest number: the most used ones.
/// Throws setting_error for a share outside of [0, 1].
struct most_frequent {
  double share = 0.25;

  expert_set operator()(const layer_counts& counts) const {
    if (!(share >= 0 && share <= 1)) {
      fail<setting_error>(
          {.argument = "most_frequent: share", .expected = "from 0 to 1", .got = std::to_string(share)});
    }
    const auto unshared = std::count(counts.shared.begin(), counts.shared.end(), char{0});
    expert_set found = busiest(counts, static_cast<index_t>(std::floor(share * static_cast<double>(unshared) + 0.5)));
    std::sort(found.begin(), found.end());
    return found;
  }
};

inline expert_set intersection(const expert_set& a, const expert_set& b) {
  expert_set both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}
inline expert_set difference(const expert_set& a, const expert_set& b) {
  expert_set rest;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(rest));
  return rest;
}

/// The experts that are frequent for every label.
template <frequency_rule Rule>
expert_set common_to_all(const activation_counts& counts, index_t layer, const Rule& rule) {
  expert_set common = rule(counts.of(0, layer));
  for (index_t label = 1; label < length(counts.labels()); ++label) {
    common = intersection(common, rule(counts.of(label, layer)));
  }
  return common;
}

/// The experts that are frequent for this label and for no other.
template <frequency_rule Rule>
expert_set only_for(const activation_counts& counts, label_key label, index_t layer, const Rule& rule) {
  const index_t own = label.among(counts.labels());
  expert_set rest = rule(counts.of(own, layer));
  for (index_t other = 0; other < length(counts.labels()); ++other) {
    if (other != own) rest = difference(rest, rule(counts.of(other, layer)));
  }
  return rest;
}

}  // namespace fissile
