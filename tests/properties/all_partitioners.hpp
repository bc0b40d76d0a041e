// Every partitioner of the library with random settings, for properties that hold of all of them.
#pragma once

#include "support/random_ffn.hpp"

#include <fissile/partition/balanced_clusters.hpp>
#include <fissile/partition/by_importance.hpp>
#include <fissile/partition/even_slices.hpp>
#include <fissile/partition/shuffled.hpp>

namespace fissile::testing {

/// Calls body(name, policy) for each; `experts` is how many the caller will ask for.
template <class Body>
void for_every_partitioner(random_source& random, index_t neurons, index_t experts, const Body& body) {
  body("even_slices", even_slices{});
  body("shuffled", shuffled{.seed = random.bits()});
  body("balanced_clusters by angle", balanced_clusters{.rounds = 3, .seed = random.bits()});
  body("balanced_clusters by distance",
       balanced_clusters{.metric = row_metric::l2, .rounds = 3, .seed = random.bits()});
  std::vector<double> importance(to_size(neurons));
  for (double& value : importance) value = static_cast<double>(random.below(5));  // with ties
  body("by_importance", by_importance{.importance = importance, .shared = random.below(experts + 1)});
}

}  // namespace fissile::testing
