// How evenly the work is spread: over the experts of a layer, and of each expert over the labels.
//
// Experts that the partition marks as shared take no part: their load, affinity and entropy are 0, 0 and NaN.
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/count/activation_counts.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace fissile {

/// The share of each expert in all uses of the layer; they sum to 1, or are all 0 where nothing was used. [experts]
inline std::vector<double> load_shares(const layer_counts& counts) {
  std::vector<double> share(to_size(counts.experts()), 0.0);
  double total = 0;
  for (index_t e = 0; e < counts.experts(); ++e) {
    if (!counts.is_shared(e)) share[to_size(e)] = static_cast<double>(counts.uses[to_size(e)]);
    total += share[to_size(e)];
  }
  if (total > 0) {
    for (double& one : share) one /= total;
  }
  return share;
}

/// - sum of share * log2(share), in bits, for shares that sum to 1: 0 where one has all, log2(n) where all n have the
/// same. NaN where all shares are 0.
inline double entropy(vector_view<const double> shares) {
  double sum = 0;
  bool some = false;
  for (double share : shares) {
    if (!(share > 0)) continue;
    some = true;
    sum -= share * std::log2(share);
  }
  return some ? std::max(sum, 0.0) : std::numeric_limits<double>::quiet_NaN();
}

/// Over the experts of a layer: how evenly the router spreads the tokens of one label.
inline double load_entropy(const layer_counts& counts) {
  return entropy(load_shares(counts));
}

/// Whose expert it is: its frequency for each label, of the sum of its frequencies for all. [experts x labels]
/// Frequencies, so that a label with more text does not count more. A row sums to 1, or is all 0 where the expert was
/// never used.
inline std::vector<std::vector<double>> affinity(const activation_counts& counts, index_t layer) {
  std::vector<std::vector<double>> shares(to_size(counts.experts(layer)));
  for (index_t e = 0; e < counts.experts(layer); ++e) {
    double total = 0;
    for (index_t label = 0; label < length(counts.labels()); ++label) {
      const layer_counts& of = counts.of(label, layer);
      shares[to_size(e)].push_back(of.is_shared(e) ? 0.0 : of.frequency(e));
      total += shares[to_size(e)].back();
    }
    if (total > 0) {
      for (double& share : shares[to_size(e)]) share /= total;
    }
  }
  return shares;
}

/// Over the labels, for each expert, in bits: 0 where it works for one label only, log2(labels) where it works for all
/// alike, NaN where it was never used. [experts]
inline std::vector<double> label_entropy(const activation_counts& counts, index_t layer) {
  std::vector<double> bits;
  for (const std::vector<double>& shares : affinity(counts, layer)) bits.push_back(entropy(shares));
  return bits;
}

/// The counts of all labels together, as if their texts had one label. Throws setting_error where a sum exceeds 64
/// bits.
inline layer_counts pooled(const activation_counts& counts, index_t layer) {
  layer_counts sum = counts.of(0, layer);
  for (index_t label = 1; label < length(counts.labels()); ++label) {
    const layer_counts& more = counts.of(label, layer);
    if (!sum.can_merge(more)) {
      fail<setting_error>({.argument = "pooled: counts", .expected = "sums below 2^64", .got = "larger ones"});
    }
    sum.merge(more);
  }
  return sum;
}

}  // namespace fissile
