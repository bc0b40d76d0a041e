// Every expert whose score is above a threshold: as many as the token asks for.
#pragma once

#include <fissile/route/selector.hpp>

namespace fissile {

/// Strictly above, as DSMoE's threshold gate (Lv et al. 2025, eq. 7): a score equal to the threshold is out.
/// Where nothing is above, the route is empty and the layer adds its bias only; see `at_least_one`.
struct above {
  float threshold = 0.5f;

  void select(selection scores, route& chosen) const noexcept {
    for (index_t expert = 0; expert < scores.keys.length(); ++expert) {
      if (scores.keys[expert] > threshold) chosen.append({expert, 1.0f});
    }
  }
};

}  // namespace fissile
