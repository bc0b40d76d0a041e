// What gives each expert a score for each token.
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/weights/row_products.hpp>

#include <concepts>

namespace fissile {

/// scorer: raw scores of all experts for a few tokens.
///
///   index_t experts()   how many scores a token gets
///   index_t width()     numbers in a token
///   index_t scratch()   floats of scratch that one call of `score` needs, at most width() * lanes; may be 0
///   void score(tokens, scores, scratch)   tokens: [1 to `lanes` x width]; scores: [tokens x experts], all written
///
/// Law: the scores of a token do not depend, not in one bit, on the tokens beside it; it neither allocates nor throws.
/// Satisfied by linear_scorer, packed_scorer, oracle_scorer, mlp_scorer, centroid_scorer, analytic_scorer.
// clang-format off
template <class S>
concept scorer = requires(const S& policy, matrix_view<const float> tokens, matrix_view<float> scores,
                          vector_view<float> scratch) {
  { policy.experts() } noexcept -> std::same_as<index_t>;
  { policy.width() } noexcept -> std::same_as<index_t>;
  { policy.scratch() } noexcept -> std::same_as<index_t>;
  { policy.score(tokens, scores, scratch) } noexcept -> std::same_as<void>;
};
// clang-format on

}  // namespace fissile
