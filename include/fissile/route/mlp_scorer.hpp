// MoEfication's router (Zhang et al. 2022, "MoEfication: Transformer Feed-forward Layers are Mixtures of Experts"): a
// network of two small matrices scores the experts.
//
//   score = second . tanh(first . x / ||x||)
//
// There the hidden units are as many as the experts, `first` starts as their centroids (centroid_scorer.hpp) and
// `second` as the identity; any number will do.
#pragma once

#include <fissile/route/inverse_norm.hpp>
#include <fissile/route/scorer.hpp>

#include <algorithm>

namespace fissile {

/// What the router is shown of a token.
enum class mlp_input {
  normalised,  // x / ||x||, as in the official code; zeros stay zeros
  as_it_is     // x
};

/// Borrows its weights: the memory in which a router is trained is the one that it scores with.
class mlp_scorer {
public:
  /// first: [hidden x width], second: [experts x hidden]. Throws shape_error where they do not fit together.
  mlp_scorer(matrix_view<const float> first, matrix_view<const float> second, mlp_input input = mlp_input::normalised)
      : first_(first), second_(second), input_(input) {
    if (hidden() >= 1 && second.columns() == hidden()) return;
    fail<shape_error>({.argument = "mlp_scorer: second",
                       .expected = std::to_string(hidden()) + " columns, one a row of first, and at least one",
                       .got = shape_of(second),
                       .cure = "first is [hidden x width], second [experts x hidden]"});
  }

  index_t experts() const noexcept { return second_.rows(); }
  index_t hidden() const noexcept { return first_.rows(); }
  index_t width() const noexcept { return first_.columns(); }
  index_t scratch() const noexcept { return width() * lanes; }

  void score(matrix_view<const float> tokens, matrix_view<float> scores, vector_view<float> scratch) const noexcept {
    const token_tile tile = make_tile(
        width(), tokens.rows(), [&](index_t lane) noexcept { return tokens.row(lane).data(); }, scratch.data());
    std::array<float, to_size(lanes)> scale;
    scale.fill(1.0f);
    for (index_t lane = 0; input_ == mlp_input::normalised && lane < tile.count; ++lane) {
      scale[to_size(lane)] = inverse_norm(tokens.row(lane));
    }
    const auto along = [](index_t k) noexcept { return k; };
    // A few hidden units at a time: the sums of the experts go on from one few to the next.
    std::array<float, to_size(units_at_once * lanes)> units{};
    const index_t stride = tile.count == 1 ? 1 : lanes;
    for (index_t from = 0; from < hidden(); from += units_at_once) {
      const token_tile few{units.data(), std::min(units_at_once, hidden() - from), tile.count};
      multiply_rows<float>(
          few.positions, [&](index_t unit) noexcept { return first_.row(from + unit).data(); }, along, tile,
          [](index_t, index_t) noexcept { return 0.0f; },
          [&](index_t unit, index_t lane, float sum) noexcept {
            units[to_size(unit * stride + lane)] = std::tanh(scale[to_size(lane)] * sum);
          });
      multiply_rows<float>(
          experts(), [&](index_t expert) noexcept { return second_.row(expert).data() + from; }, along, few,
          [&](index_t expert, index_t lane) noexcept { return from == 0 ? 0.0f : scores(lane, expert); },
          [&](index_t expert, index_t lane, float sum) noexcept { scores(lane, expert) = sum; });
    }
  }

private:
  static constexpr index_t units_at_once = 64;

  matrix_view<const float> first_;   // [hidden x width]
  matrix_view<const float> second_;  // [experts x hidden]
  mlp_input input_;
};

}  // namespace fissile
