// The k experts with the highest scores.
#pragma once

#include <fissile/route/selector.hpp>

#include <algorithm>
#include <string>

namespace fissile {

/// Fewer than k are chosen only where fewer have a score that is a number. k: from 0 to the number of experts.
struct top_k {
  index_t k = 1;

  void check(index_t experts) const {
    if (k >= 0 && k <= experts) return;
    fail<setting_error>({.argument = "top_k: k",
                         .expected = "from 0 to " + std::to_string(experts) + ", the number of experts",
                         .got = std::to_string(k)});
  }
  void select(selection scores, route& chosen) const noexcept {
    Expects(k >= 0);
    // The route itself serves as a heap whose front is the worst choice so far; the key stands in for the weight.
    for (index_t expert = 0; expert < scores.keys.length(); ++expert) {
      const choice candidate{expert, scores.keys[expert]};
      if (candidate.weight != candidate.weight) continue;
      if (chosen.length() < k) {
        chosen.append(candidate);
        std::push_heap(chosen.begin(), chosen.end(), preferred);
      } else if (k > 0 && preferred(candidate, *chosen.begin())) {
        std::pop_heap(chosen.begin(), chosen.end(), preferred);
        *(chosen.end() - 1) = candidate;
        std::push_heap(chosen.begin(), chosen.end(), preferred);
      }
    }
    chosen.settle();
    for (choice& c : chosen) c.weight = 1.0f;
  }
};

}  // namespace fissile
