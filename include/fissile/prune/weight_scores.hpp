// Weight scores that look at no text: by magnitude, and at random.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/prune/weight_score.hpp>

#include <cmath>

namespace fissile {

/// score_ij = |W_ij|
struct weight_magnitude {
  std::string name() const { return "weight_magnitude"; }
  evidence seen() const { return {}; }
  void score(index_t, vector_view<const double> weights, vector_view<double> scores) const noexcept {
    for (index_t j = 0; j < weights.length(); ++j) scores[j] = std::abs(weights[j]);
  }
};

/// score_ij: uniform in [0, 1), the same on every machine; the baseline. Kim et al. draw each weight's fate alone, here
/// every row loses as many as with any other score.
struct random_weights {
  std::uint64_t seed = 0;

  std::string name() const { return "random_weights(" + std::to_string(seed) + ")"; }
  evidence seen() const { return {}; }
  void score(index_t output, vector_view<const double>, vector_view<double> scores) const noexcept {
    random_source of_row{random_source{seed}.bits() + static_cast<std::uint64_t>(output)};
    for (double& drawn : scores) drawn = of_row.uniform();
  }
};

}  // namespace fissile
