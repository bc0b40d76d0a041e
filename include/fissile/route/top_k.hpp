// The k experts with the highest scores.
#pragma once

#include <fissile/route/selector.hpp>

#include <algorithm>

namespace fissile {

/// Fewer than k are chosen only where fewer have a score that is a number.
struct top_k {
  index_t k = 1;

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
