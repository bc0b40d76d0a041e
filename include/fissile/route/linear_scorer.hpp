// One row of weights for each expert: the router of nearly every trained mixture.
#pragma once

#include <fissile/route/scorer.hpp>

namespace fissile {

/// score = weights . token, without a bias (papers have none; see `biased` for one that enters the choice only).
struct linear_scorer {
  matrix_view<const float> weights;  // [experts x width], borrowed

  index_t experts() const noexcept { return weights.rows(); }
  index_t width() const noexcept { return weights.columns(); }
  index_t scratch() const noexcept { return width() * lanes; }

  void score(matrix_view<const float> tokens, matrix_view<float> scores, vector_view<float> scratch) const noexcept {
    const token_tile tile = make_tile(
        width(), tokens.rows(), [&](index_t lane) noexcept { return tokens.row(lane).data(); }, scratch.data());
    multiply_rows<float>(
        experts(), [&](index_t expert) noexcept { return weights.row(expert).data(); },
        [](index_t k) noexcept { return k; }, tile, [](index_t, index_t) noexcept { return 0.0f; },
        [&](index_t expert, index_t lane, float sum) noexcept { scores(lane, expert) = sum; });
  }
};

}  // namespace fissile
