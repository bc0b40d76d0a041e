// Finds the weight of a penalty by what it does: more where too many experts work, less where too few.
//
//   weight <- weight * exp(gain * (active - target))
//
// Ours. DSMoE (Lv et al. 2025) has neither a factor nor a target; ReMoE (Wang et al. 2025) steers its own by the sign
// alone, times or divided by 1.2. In proportion to the distance the weight comes to rest.
#pragma once

#include <fissile/base/contract.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace fissile {

struct penalty_controller {
  double target = 0.5;  // share of experts that should work, above 0 and at most 1
  double gain = 0.1;    // the weight grows by so much a step, as a logarithm, where all work and none should
  double least = 1e-6;  // the weight is held between these two, so that it finds its way back
  double most = 1e3;

  /// Throws setting_error where a setting is none.
  void check() const {
    if (!(target > 0 && target <= 1)) {
      fail<setting_error>({.argument = "penalty_controller: target",
                           .expected = "a share above 0 and at most 1",
                           .got = std::to_string(target),
                           .cure = "0.25 stands for a quarter of the experts"});
    }
    if (!(gain >= 0 && least > 0 && most >= least)) {
      fail<setting_error>({.argument = "penalty_controller: gain, least, most",
                           .expected = "gain from 0, 0 < least <= most",
                           .got = std::to_string(gain) + ", " + std::to_string(least) + ", " + std::to_string(most)});
    }
  }
  /// The weight of the next step; active: the share of this one.
  double next(double weight, double active) const noexcept {
    return std::clamp(weight * std::exp(gain * (active - target)), least, most);
  }
};

}  // namespace fissile
