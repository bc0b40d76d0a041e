// The fewest experts that hold a given share of all scores together.
#pragma once

#include <fissile/route/selector.hpp>

#include <algorithm>
#include <string>

namespace fissile {

/// Experts are taken from the highest score down until their sum reaches `p` of the sum of all scores.
/// Meant for scores that are not negative, such as those of softmax; negative ones are never chosen.
struct top_p {
  float p = 0.9f;  // above 0, at most 1

  void check(index_t) const {
    if (p > 0 && p <= 1) return;
    fail<setting_error>({.argument = "top_p: p",
                         .expected = "a share above 0 and at most 1",
                         .got = std::to_string(p),
                         .cure = "0.9 stands for 90 percent"});
  }
  void select(selection scores, route& chosen) const noexcept {
    double total = 0;
    for (index_t expert = 0; expert < scores.keys.length(); ++expert) {
      if (!(scores.keys[expert] >= 0)) continue;
      chosen.append({expert, scores.keys[expert]});
      total += static_cast<double>(scores.keys[expert]);
    }
    std::sort(chosen.begin(), chosen.end(), preferred);
    double held = 0;
    index_t kept = 0;
    while (kept < chosen.length() && (kept == 0 || held < static_cast<double>(p) * total)) {
      held += static_cast<double>(chosen[kept++].weight);
    }
    chosen.shorten(kept);
    chosen.settle();
    for (choice& c : chosen) c.weight = 1.0f;
  }
};

}  // namespace fissile
