// Experts by how often texts chose them: the least used go first, as Liu et al. 2024 ("Unraveling Babel") prune by
// frequency, or the most used, as a check that frequency says anything.
#pragma once

#include <fissile/prune/usage.hpp>

namespace fissile {

/// keep_busiest{usage::of_label(counts, "de")}: what German texts use least goes first.
struct keep_busiest {
  usage by;

  std::string name() const { return "keep_busiest(" + by.name() + ")"; }
  evidence seen() const { return by.seen(); }
  std::vector<standing> standings(index_t layer, const partition& experts) const {
    return by.standings(layer, experts, 1.0);
  }
};

/// The opposite: what is used most goes first.
struct keep_least_used {
  usage by;

  std::string name() const { return "keep_least_used(" + by.name() + ")"; }
  evidence seen() const { return by.seen(); }
  std::vector<standing> standings(index_t layer, const partition& experts) const {
    return by.standings(layer, experts, -1.0);
  }
};

}  // namespace fissile
