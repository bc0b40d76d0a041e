// A mask: which weights of a linear layer stay, decided row by row from their scores.
//
// After Sun et al. 2023 (Wanda, arXiv 2306.11695) weights compete within their output row only. Per row, the scores are
// sorted ascending and stably, and the first floor(inputs * rate) go; or, in each group of M inputs, the first N.
#pragma once

#include <fissile/prune/sparsity.hpp>
#include <fissile/prune/verdict.hpp>
#include <fissile/prune/weight_score.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace fissile {

/// Plain data; a byte a weight.
struct weight_mask {
  index_t outputs = 0;
  index_t inputs = 0;
  std::vector<char> kept = {};  // [outputs x inputs]: 1 where the weight stays, 0 where it goes
  std::string score = {};       // what was asked how much weights matter: "wanda(guide)"
  std::string sparsity = {};    // which share goes: "unstructured(0.5)"
  evidence from = {};           // the text that was looked at; what is pruned is never scored on it
  std::uint64_t undefined = 0;  // scores that were NaN

  bool keeps(index_t output, index_t input) const noexcept {
    Expects(output >= 0 && output < outputs && input >= 0 && input < inputs);
    return kept[to_size(output * inputs + input)] != 0;
  }
  index_t removed(index_t output) const noexcept {
    Expects(output >= 0 && output < outputs);
    const auto row = kept.begin() + output * inputs;
    return std::count(row, row + inputs, char{0});
  }
  index_t removed() const noexcept { return std::count(kept.begin(), kept.end(), char{0}); }
  friend bool operator==(const weight_mask&, const weight_mask&) = default;
};

/// Which end of the scores goes.
enum class removal_order {
  lowest_first,  // as every method wants it
  highest_first  // the ablation: if this does not hurt more, the score says nothing
};

/// kept[i] = 0 for `count` of the scores: the lowest, or the highest. Of equals the one further left goes, as a stable
/// sort has it; what is NaN goes last. kept: as long as scores, 1 before.
inline void remove_by_score(vector_view<const double> scores, index_t count, removal_order order,
                            vector_view<char> kept) {
  Expects(count >= 0 && count <= scores.length() && kept.length() == scores.length());
  std::vector<index_t> places(scores.size());
  for (index_t i = 0; i < scores.length(); ++i) places[to_size(i)] = i;
  const double sign = order == removal_order::lowest_first ? 1.0 : -1.0;
  std::nth_element(places.begin(), places.begin() + count, places.end(), [&](index_t a, index_t b) {
    const double of_a = sign * scores[a];
    const double of_b = sign * scores[b];
    if (std::isnan(of_a) != std::isnan(of_b)) return std::isnan(of_b);
    return of_a < of_b || (!(of_b < of_a) && a < b);
  });
  for (index_t i = 0; i < count; ++i) kept[places[to_size(i)]] = 0;
}

namespace detail {

template <stored_weight T, weight_score Score, class Sparsity, class RemoveInRow>
weight_mask mask_by_rows(matrix_view<T> weights, const Score& by, Sparsity share, const RemoveInRow& remove) {
  check_sparsity(share, weights.columns(), "mask_of");
  weight_mask made{.outputs = weights.rows(),
                   .inputs = weights.columns(),
                   .kept = std::vector<char>(to_size(weights.rows() * weights.columns()), char{1}),
                   .score = by.name(),
                   .sparsity = share.name(),
                   .from = by.seen()};
  score_rows(weights, by, [&](index_t output, vector_view<const double> scores) {
    for (double score : scores) made.undefined += std::isnan(score) ? 1 : 0;
    remove(scores, vector_view<char>{made.kept.data() + output * made.inputs, made.inputs});
  });
  return made;
}

}  // namespace detail

/// Every row of weights, [outputs x inputs], loses exactly floor(inputs * rate). Throws setting_error for a rate that
/// is no share, shape_error where the score does not fit.
template <stored_weight T, weight_score Score>
weight_mask mask_of(matrix_view<T> weights, const Score& by, unstructured share,
                    removal_order order = removal_order::lowest_first) {
  return detail::mask_by_rows(weights, by, share, [&](vector_view<const double> scores, vector_view<char> kept) {
    remove_by_score(scores, share.removed_of(scores.length()), order, kept);
  });
}

/// Every group of every row loses exactly `removed`. Throws setting_error for a group that cannot be, shape_error where
/// the inputs are not whole groups or the score does not fit.
template <stored_weight T, weight_score Score>
weight_mask mask_of(matrix_view<T> weights, const Score& by, n_of_m groups,
                    removal_order order = removal_order::lowest_first) {
  return detail::mask_by_rows(weights, by, groups, [&](vector_view<const double> scores, vector_view<char> kept) {
    for (index_t first = 0; first < scores.length(); first += groups.of) {
      remove_by_score(scores.part(first, groups.of), groups.removed, order, kept.part(first, groups.of));
    }
  });
}

/// How alike two masks of one matrix are: weights of the given fate in both / in at least one of the two; 1 where there
/// are none. Throws shape_error for masks of other shapes.
inline double intersection_over_union(const weight_mask& a, const weight_mask& b, fate of = fate::keep) {
  if (a.outputs != b.outputs || a.inputs != b.inputs || a.kept.size() != b.kept.size()) {
    fail<shape_error>({.argument = "intersection_over_union",
                       .expected = shape_of(a.outputs, a.inputs),
                       .got = shape_of(b.outputs, b.inputs)});
  }
  std::uint64_t both = 0;
  std::uint64_t either = 0;
  for (std::size_t i = 0; i < a.kept.size(); ++i) {
    const bool in_a = (a.kept[i] != 0) == (of == fate::keep);
    const bool in_b = (b.kept[i] != 0) == (of == fate::keep);
    both += in_a && in_b ? 1 : 0;
    either += in_a || in_b ? 1 : 0;
  }
  return either == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(either);
}

}  // namespace fissile
