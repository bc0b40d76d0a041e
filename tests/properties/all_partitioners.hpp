// Every partitioner of the library with random settings, for properties that hold of all of them.
#pragma once

#include "support/random_ffn.hpp"

#include <fissile/partition/balanced_clusters.hpp>
#include <fissile/partition/by_importance.hpp>
#include <fissile/partition/coactivation_graph.hpp>
#include <fissile/partition/even_slices.hpp>
#include <fissile/partition/importance_split.hpp>
#include <fissile/partition/marker_clusters.hpp>
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
  body("balanced_clusters by distance of unit rows",
       balanced_clusters{.metric = row_metric::l2_of_unit_rows, .rounds = 3, .seed = random.bits()});
  std::vector<double> importance(to_size(neurons));
  for (double& value : importance) value = static_cast<double>(random.below(5));  // with ties
  body("by_importance", by_importance{.importance = importance, .shared = random.below(experts + 1)});

  activation_markers markers{{.neurons = neurons, .strongest = 1 + random.below(10)}};
  const auto hidden = random_numbers<float>(random, 20 * neurons);
  markers.add({hidden.data(), 20, neurons});
  body("marker_clusters", marker_clusters{.markers = markers, .shared = random.below(experts + 1)});

  std::vector<double> weights(to_size(neurons * neurons));
  for (index_t a = 0; a < neurons; ++a) {
    for (index_t b = 0; b <= a; ++b) {
      weights[to_size(a * neurons + b)] = weights[to_size(b * neurons + a)] = static_cast<double>(random.below(5));
    }
  }
  body("coactivation_graph", coactivation_graph{.weights = {weights.data(), neurons, neurons},
                                                .search = {.starts = 1, .sweeps = 2, .seed = random.bits()}});

  const index_t shared = random.below(experts);
  std::vector<double> scores(to_size((experts - shared) * neurons));
  for (double& score : scores) score = static_cast<double>(random.below(5));
  body("importance_split", importance_split{.scores = {scores.data(), experts - shared, neurons}, .shared = shared});
}

}  // namespace fissile::testing
