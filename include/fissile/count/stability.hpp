// Split-half stability: would another text of the same kind give the same frequencies?
//
// A corpus is counted in two halves. What the two agree in can be trusted; a ranking that one half does not share
// with the other is noise of too small a text.
#pragma once

#include <fissile/count/expert_set.hpp>
#include <fissile/count/similarity.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace fissile {

/// How far two halves agree on one label and layer.
struct agreement {
  std::string label = {};
  index_t layer = 0;
  double pearson = 0;   // correlation of the frequencies, -1 to 1; NaN where one half has them all alike
  double spearman = 0;  // the same of their ranks; experts of equal frequency share the mean rank
  double overlap = 0;   // share of one half's busiest experts that are the other's too; NaN where nothing was used
  std::uint64_t tokens_first = 0;
  std::uint64_t tokens_second = 0;
};

struct stability_settings {
  index_t busiest = 8;  // experts whose overlap is told, at least 1; fewer where a half uses fewer
};

/// The correlation of two runs of numbers; NaN where one of them does not vary.
inline double pearson(const std::vector<double>& a, const std::vector<double>& b) {
  Expects(a.size() == b.size());
  const auto n = static_cast<double>(a.size());
  double mean_a = 0, mean_b = 0, product = 0, square_a = 0, square_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i];
    mean_b += b[i];
  }
  mean_a /= n;  // exact where all numbers are the same whole number: then the correlation is NaN, not noise
  mean_b /= n;
  for (std::size_t i = 0; i < a.size(); ++i) {
    product += (a[i] - mean_a) * (b[i] - mean_b);
    square_a += (a[i] - mean_a) * (a[i] - mean_a);
    square_b += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return std::clamp(product / (std::sqrt(square_a) * std::sqrt(square_b)), -1.0, 1.0);
}

/// The rank of each number, from 1 up; equal numbers share the mean of their ranks. None may be NaN.
inline std::vector<double> ranks(const std::vector<double>& values) {
  Expects(std::none_of(values.begin(), values.end(), [](double value) { return std::isnan(value); }));
  std::vector<index_t> order = ascending(length(values));
  std::sort(order.begin(), order.end(), [&](index_t a, index_t b) { return values[to_size(a)] < values[to_size(b)]; });
  std::vector<double> rank(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first;
    while (end < order.size() && values[to_size(order[end])] == values[to_size(order[first])]) ++end;
    for (std::size_t i = first; i < end; ++i) rank[to_size(order[i])] = static_cast<double>(first + 1 + end) / 2;
    first = end;
  }
  return rank;
}

/// For one label and layer; `label` and `layer` are left as they are. Experts marked as shared are left out.
/// Throws shape_error for layers that are split differently, setting_error for less than one expert.
inline agreement agreement_of(const layer_counts& first, const layer_counts& second, stability_settings settings) {
  check_comparable(first, second, "agreement_of");
  if (settings.busiest < 1) {
    fail<setting_error>(
        {.argument = "stability: busiest", .expected = "at least 1", .got = std::to_string(settings.busiest)});
  }
  const unshared_uses a{first}, b{second};  // uses, since neither correlation sees the tokens that divide them
  expert_set top_a = busiest(first, settings.busiest), top_b = busiest(second, settings.busiest);
  std::sort(top_a.begin(), top_a.end());
  std::sort(top_b.begin(), top_b.end());
  const auto most = static_cast<double>(std::max(top_a.size(), top_b.size()));
  return {.pearson = pearson(a.values, b.values),
          .spearman = pearson(ranks(a.values), ranks(b.values)),
          .overlap = static_cast<double>(intersection(top_a, top_b).size()) / most,
          .tokens_first = first.tokens,
          .tokens_second = second.tokens};
}

/// For every label and layer of the first half, labels outermost. Throws setting_error where the second half lacks a
/// label, shape_error where it is split differently.
inline std::vector<agreement> split_half(const activation_counts& first, const activation_counts& second,
                                         stability_settings settings = {}) {
  if (first.layers() != second.layers()) {
    fail<shape_error>({.argument = "split_half: layers",
                       .expected = std::to_string(first.layers()),
                       .got = std::to_string(second.layers())});
  }
  std::vector<agreement> rows;
  for (const std::string& label : first.labels()) {
    for (index_t layer = 0; layer < first.layers(); ++layer) {
      agreement row = agreement_of(first.of(label, layer), second.of(label, layer), settings);
      row.label = label;
      row.layer = layer;
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace fissile
