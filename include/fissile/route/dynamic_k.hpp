// Every expert whose score comes near the largest: few where one expert stands out, many where none does.
#pragma once

#include <fissile/route/selector.hpp>

#include <string>

namespace fissile {

/// Expert e is chosen iff score_e >= (1 - tau) * the largest score: D2DMoE's rule (Szatkowski et al. 2024, arXiv
/// 2310.04361), where scores predict the norm of what an expert would add. tau = 0 chooses the largest and its equals,
/// tau = 1 all that are not negative. Where the largest is negative and tau above 0, nothing is chosen; see
/// `at_least_one`. The default of tau is ours.
///
/// The other rule of its code, the fewest experts whose predicted norms reach the share tau of all, is top_p{.p = tau}.
struct dynamic_k {
  float tau = 0.1f;  // from 0 to 1

  void check(index_t) const {
    if (tau >= 0 && tau <= 1) return;
    fail<setting_error>({.argument = "dynamic_k: tau", .expected = "from 0 to 1", .got = std::to_string(tau)});
  }
  void select(selection scores, route& chosen) const noexcept {
    bool found = false;
    float largest = 0;
    for (const float key : scores.keys) {
      if (key != key || (found && key <= largest)) continue;
      found = true;
      largest = key;
    }
    if (!found) return;
    const float least = tau < 1 ? (1 - tau) * largest : 0.0f;  // 0 times infinity is no number
    for (index_t expert = 0; expert < scores.keys.length(); ++expert) {
      if (scores.keys[expert] >= least) chosen.append({expert, 1.0f});
    }
  }
};

}  // namespace fissile
