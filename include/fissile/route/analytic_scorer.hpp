// CMoE's analytic router (Pei et al. 2025, arXiv 2502.04416): an expert scores by what one neuron, its representative,
// would do.
//
//   score_e = | activation(g^_e . x) * (u^_e . x) |      g^_e, u^_e: gate and up row of the representative, of length 1
//
// The whole router of the paper before training, where bias and scale are 0, for a split made by marker_clusters:
//
//   router{analytic_scorer{unit_rows_of(ffn, split.representatives), silu{}, shared}, softmax{},
//          with_shared{one_plus{biased{top_k{.k = 2}, bias}, scale}, split.experts.shared_experts()}}
//
// The bias enters the choice only and is moved by load_bias (train/load_bias.hpp); weights are 1 + value * scale_e.
#pragma once

#include <fissile/partition/partition.hpp>
#include <fissile/route/scorer.hpp>
#include <fissile/weights/unit_rows.hpp>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace fissile {

/// Owns its rows. The first experts may be shared ones, without a representative: they score minus infinity, so that
/// softmax leaves them out, and work where `with_shared` says so. Tokens come as they are.
template <class Activation>
class analytic_scorer {
  static_assert(activation<Activation>,
                "fissile::analytic_scorer, activation: `float operator()(float) const noexcept` "
                "(docs/concepts/activation.md)");

public:
  /// rows: one for each expert from number `shared` on. Throws setting_error for less than 0 shared experts.
  analytic_scorer(unit_rows rows, Activation activate, index_t shared = 0)
      : rows_(std::move(rows)),
        every_row_(ascending(rows_.neurons())),
        activate_(std::move(activate)),
        shared_(shared) {
    if (shared < 0) {
      fail<setting_error>(
          {.argument = "analytic_scorer: shared", .expected = "at least 0", .got = std::to_string(shared)});
    }
  }

  index_t experts() const noexcept { return shared_ + rows_.neurons(); }
  index_t width() const noexcept { return rows_.width; }
  index_t scratch() const noexcept { return width() * lanes; }

  void score(matrix_view<const float> tokens, matrix_view<float> scores, vector_view<float> scratch) const noexcept {
    const token_tile tile = make_tile(
        width(), tokens.rows(), [&](index_t lane) noexcept { return tokens.row(lane).data(); }, scratch.data());
    for (index_t token = 0; token < tokens.rows(); ++token) {
      for (index_t e = 0; e < shared_; ++e) scores(token, e) = -std::numeric_limits<float>::infinity();
    }
    compute_hidden(rows_.view(), activate_, every_row_, tile, [&](index_t j, index_t lane, float hidden) noexcept {
      scores(lane, shared_ + j) = std::abs(hidden);
    });
  }

private:
  unit_rows rows_;
  std::vector<index_t> every_row_;  // 0, 1, ...
  [[no_unique_address]] Activation activate_;
  index_t shared_;
};

}  // namespace fissile
