// Neurons in stored order, in equal shares: the split of DSMoE (Lv et al. 2025) and the exact default.
#pragma once

#include <fissile/partition/partitioner.hpp>

namespace fissile {

/// Where the neurons do not divide, sizes differ by one and the larger experts come first.
struct even_slices {
  partition split(index_t neurons, index_t experts) const {
    return partition{cut_evenly(ascending(neurons), experts, "even_slices")};
  }
  template <element T>
  partition split(const ffn_weights<T>& ffn, index_t experts) const {
    check_shapes(ffn, "even_slices");
    return split(ffn.neurons(), experts);
  }
};

}  // namespace fissile
