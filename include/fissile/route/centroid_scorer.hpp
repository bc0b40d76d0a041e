// The router that nobody has to train: an expert scores by how near the token's direction is to the mean direction of
// the expert's neurons (the similarity selection of MoEfication, Zhang et al. 2022).
//
//   score_e    = -|| x / ||x|| - centroid_e ||
//   centroid_e = mean over the neurons j of expert e of gate_j / ||gate_j||        up_j, where there is no gate
#pragma once

#include <fissile/partition/partition.hpp>
#include <fissile/route/inverse_norm.hpp>
#include <fissile/route/scorer.hpp>
#include <fissile/weights/ffn_weights.hpp>

#include <vector>

namespace fissile {

/// The centroids of a layer's experts. [experts x width]; throws shape_error where the partition is another layer's.
template <element T>
std::vector<float> centroids_of(const ffn_weights<T>& ffn, const partition& split) {
  check_shapes(ffn, "centroids_of");
  if (split.neurons() != ffn.neurons()) {
    fail<shape_error>({.argument = "centroids_of: split",
                       .expected = "a partition of " + std::to_string(ffn.neurons()) + " neurons",
                       .got = "one of " + std::to_string(split.neurons()),
                       .cure = "split this layer's own weights"});
  }
  const matrix_view<const T> rows = ffn.gated() ? ffn.gate : ffn.up;
  std::vector<float> centroids;
  centroids.reserve(to_size(split.experts() * ffn.width()));
  for (index_t e = 0; e < split.experts(); ++e) {
    std::vector<double> sum(to_size(ffn.width()), 0.0);
    for (index_t neuron : split.expert(e)) {
      const auto scale = static_cast<double>(inverse_norm(rows.row(neuron)));
      for (index_t i = 0; i < ffn.width(); ++i) sum[to_size(i)] += scale * widen<double>(rows(neuron, i));
    }
    for (const double s : sum) centroids.push_back(static_cast<float>(s / static_cast<double>(split.size(e))));
  }
  return centroids;
}

/// Borrows the centroids. No score is above 0, and none above that of an expert that is nearer.
class centroid_scorer {
public:
  explicit centroid_scorer(matrix_view<const float> centroids) : centroids_(centroids) {  // [experts x width]
    for (index_t e = 0; e < experts(); ++e) {
      double sum = 0;
      for (const float number : centroids.row(e)) sum += static_cast<double>(number) * static_cast<double>(number);
      squares_.push_back(static_cast<float>(sum));
    }
  }

  index_t experts() const noexcept { return centroids_.rows(); }
  index_t width() const noexcept { return centroids_.columns(); }
  index_t scratch() const noexcept { return width() * lanes; }

  /// By ||a - c||^2 = a.a - 2 a.c + c.c with a.a = 1, or 0 for a token of zeros.
  void score(matrix_view<const float> tokens, matrix_view<float> scores, vector_view<float> scratch) const noexcept {
    const token_tile tile = make_tile(
        width(), tokens.rows(), [&](index_t lane) noexcept { return tokens.row(lane).data(); }, scratch.data());
    std::array<float, to_size(lanes)> scale{};
    for (index_t lane = 0; lane < tile.count; ++lane) scale[to_size(lane)] = inverse_norm(tokens.row(lane));
    multiply_rows<float>(
        experts(), [&](index_t expert) noexcept { return centroids_.row(expert).data(); },
        [](index_t k) noexcept { return k; }, tile, [](index_t, index_t) noexcept { return 0.0f; },
        [&](index_t expert, index_t lane, float sum) noexcept {
          const float inverse = scale[to_size(lane)];
          const float own = squares_[to_size(expert)] + (inverse == 0 ? 0.0f : 1.0f);
          const float squared = multiply_add(-2 * inverse, sum, own);
          scores(lane, expert) = -std::sqrt(squared < 0 ? 0.0f : squared);  // a NaN stays one
        });
  }

private:
  matrix_view<const float> centroids_;  // [experts x width]
  std::vector<float> squares_;          // [experts]: c.c
};

}  // namespace fissile
