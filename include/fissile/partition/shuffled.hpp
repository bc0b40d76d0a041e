// Neurons dealt at random: the baseline every cleverer split has to beat (LLaMA-MoE's random split).
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/partition/partitioner.hpp>

namespace fissile {

/// The same seed gives the same split on every machine and standard library.
struct shuffled {
  std::uint64_t seed = 0;

  partition split(index_t neurons, index_t experts) const {
    std::vector<index_t> order = ascending(neurons);
    random_source random{seed};
    shuffle(order, random);
    return partition{cut_evenly(order, experts, "shuffled")};
  }
  template <element T>
  partition split(const ffn_weights<T>& ffn, index_t experts) const {
    check_shapes(ffn, "shuffled");
    return split(ffn.neurons(), experts);
  }
};

}  // namespace fissile
