// How much text a study can take: reckoned from the model's size, so that it does not depend on the clock.
#pragma once

#include "blocks.hpp"
#include "combinations.hpp"
#include "windows.hpp"

#include <engine/model.hpp>

#include <algorithm>

namespace fissile::unravel {

/// Floating point operations for one token with all neurons at work.
inline double operations_per_token(const engine::model<float>& weights) {
  const engine::architecture& sizes = weights.sizes();
  const index_t attention =
      sizes.width * 2 * (sizes.query_width() + sizes.key_width()) + sizes.query_width() * window_tokens(sizes);
  const index_t layer = attention + 3 * sizes.width * sizes.neurons;
  return 2.0 * static_cast<double>(sizes.layers * layer + weights.vocabulary() * sizes.width);
}

/// What two cores of a small machine do in about a minute and a half.
inline constexpr double operations_of_a_study = 2.4e12;
inline constexpr index_t most_default_blocks = 16;

/// Bytes from each half that let a study of so many languages end within two minutes on two cores; whole blocks, at
/// least one.
inline index_t default_bytes(const engine::model<float>& weights, index_t languages) {
  const double texts = static_cast<double>(languages) * static_cast<double>(combinations(0, languages).size());
  const double block = texts * static_cast<double>(block_bytes) * operations_per_token(weights);
  const auto blocks = static_cast<index_t>(std::min(operations_of_a_study / block, 1e6));
  return block_bytes * std::clamp<index_t>(blocks, 1, most_default_blocks);
}

}  // namespace fissile::unravel
