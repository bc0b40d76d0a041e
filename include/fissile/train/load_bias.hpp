// Balance without a loss: after each step the bias of busy experts goes down a little and that of idle ones up (CMoE,
// Pei et al. 2025, arXiv 2502.04416; before it Wang et al. 2024, arXiv 2408.15664).
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/count/layer_counts.hpp>

namespace fissile {

/// bias_e -= gamma where expert e was used more than the mean, += gamma where less. Shared experts do not take part.
struct load_bias {
  float gamma = 1e-3f;

  /// `step`: what was counted since the last update. bias: [experts], as `biased` takes it.
  void update(const layer_counts& step, vector_view<float> bias) const noexcept {
    Expects(bias.length() == step.experts());
    std::uint64_t uses = 0;
    std::uint64_t routed = 0;
    for (index_t e = 0; e < step.experts(); ++e) {
      if (step.is_shared(e)) continue;
      uses += step.uses[to_size(e)];
      ++routed;
    }
    if (routed == 0) return;
    const std::uint64_t mean = uses / routed;  // rounded down: whole numbers above it are above the mean
    const bool between = uses % routed != 0;
    for (index_t e = 0; e < step.experts(); ++e) {
      if (step.is_shared(e)) continue;
      const std::uint64_t use = step.uses[to_size(e)];
      if (use > mean) {
        bias[e] -= gamma;
      } else if (use < mean || between) {
        bias[e] += gamma;
      }
    }
  }
};

}  // namespace fissile
