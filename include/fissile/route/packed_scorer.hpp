// A linear scorer whose rows are packed: for many experts, where scoring would show beside the layer.
#pragma once

#include <fissile/pack/packed_matrix.hpp>
#include <fissile/route/scorer.hpp>

#include <utility>

namespace fissile {

/// score = weights . token, as linear_scorer, over panels. Owns them; moves, does not copy.
///
///   auto choose = router{packed_scorer{packed_matrix{rows}}, softmax{}, top_k{.k = 8}};
template <packed_element T>
class packed_scorer {
public:
  explicit packed_scorer(packed_matrix<T> weights) noexcept : weights_(std::move(weights)) {}

  index_t experts() const noexcept { return weights_.outputs(); }
  index_t width() const noexcept { return weights_.inputs(); }
  index_t scratch() const noexcept { return 0; }
  void score(matrix_view<const float> tokens, matrix_view<float> scores, vector_view<float>) const noexcept {
    weights_(tokens, scores);
  }

private:
  packed_matrix<T> weights_;
};

}  // namespace fissile
