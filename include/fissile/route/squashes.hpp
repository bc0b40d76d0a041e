// Squashes: what turns a token's raw scores into the values a selector compares.
#pragma once

#include <fissile/base/view.hpp>

#include <cmath>
#include <concepts>

namespace fissile {

/// squash: changes the scores of one token in place, all at once.
/// Law: order is kept; NaN stays NaN and spoils only itself (softmax leaves it out of its sum).
/// Satisfied by sigmoid, softmax, relu_squash, no_squash.
// clang-format off
template <class S>
concept squash = requires(const S& policy, vector_view<float> scores) {
  { policy(scores) } noexcept -> std::same_as<void>;
};
// clang-format on

/// 1 / (1 + exp(-score)) for each expert by itself.
struct sigmoid {
  template <std::floating_point A>
  static A of(A score) noexcept {
    return A(1) / (A(1) + std::exp(-score));
  }
  void operator()(vector_view<float> scores) const noexcept {
    for (float& score : scores) score = of(score);
  }
};

/// exp(score) / sum of exp(scores), computed from the largest down so that nothing overflows.
struct softmax {
  void operator()(vector_view<float> scores) const noexcept {
    float largest = -HUGE_VALF;
    for (float score : scores) {
      if (score > largest) largest = score;
    }
    if (largest == -HUGE_VALF) largest = 0;  // all scores are minus infinity or NaN
    float sum = 0;
    for (float& score : scores) {
      score = score == largest ? 1.0f : std::exp(score - largest);  // equal infinities share
      if (score == score) sum += score;
    }
    if (!(sum > 0)) return;
    for (float& score : scores) score /= sum;
  }
};

/// max(score, 0), as in ReMoE.
struct relu_squash {
  void operator()(vector_view<float> scores) const noexcept {
    for (float& score : scores) {
      if (score < 0) score = 0;
    }
  }
};

/// The scores as they are.
struct no_squash {
  void operator()(vector_view<float>) const noexcept {}
};

}  // namespace fissile
