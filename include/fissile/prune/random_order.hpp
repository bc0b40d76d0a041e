// Experts in random order: the baseline that every cleverer judge has to beat.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/prune/judge.hpp>

namespace fissile {

/// Every layer has an order of its own; the same seed gives the same order on every machine and standard library.
struct random_order {
  std::uint64_t seed = 0;

  std::string name() const { return "random_order(" + std::to_string(seed) + ")"; }
  evidence seen() const { return {}; }

  std::vector<standing> standings(index_t layer, const partition& experts) const {
    random_source of_layer{random_source{seed}.bits() + static_cast<std::uint64_t>(layer)};
    std::vector<standing> drawn;
    for (index_t expert = 0; expert < experts.experts(); ++expert) {
      drawn.push_back({.value = of_layer.uniform(), .reason = "drawn at random with seed " + std::to_string(seed)});
    }
    return drawn;
  }
};

}  // namespace fissile
