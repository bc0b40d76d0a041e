// Neurons sorted by a number of the caller's: the most important ones together, if wished as shared experts.
#pragma once

#include <fissile/partition/partitioner.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace fissile {

/// Expert 0 holds the neurons of highest importance, the last expert those of lowest; ties go to the lower neuron.
/// The first `shared` experts are marked as shared, as CMoE and LLaMA-MoE's residual block do with the busiest neurons.
struct by_importance {
  std::vector<double> importance;  // [neurons]; higher is more important; NaN is refused
  index_t shared = 0;              // experts, from 0 to the number asked for

  template <element T>
  partition split(const ffn_weights<T>& ffn, index_t experts) const {
    check_shapes(ffn, "by_importance");
    if (length(importance) != ffn.neurons()) {
      fail<shape_error>({.argument = "by_importance: importance",
                         .expected = std::to_string(ffn.neurons()) + " numbers, one a neuron",
                         .got = std::to_string(importance.size())});
    }
    if (std::any_of(importance.begin(), importance.end(), [](double value) { return std::isnan(value); })) {
      fail<setting_error>({.argument = "by_importance: importance", .expected = "numbers", .got = "a NaN"});
    }
    std::vector<index_t> order = ascending(ffn.neurons());
    std::stable_sort(order.begin(), order.end(),
                     [&](index_t a, index_t b) { return importance[to_size(a)] > importance[to_size(b)]; });
    std::vector<std::vector<index_t>> cut = cut_evenly(order, experts, "by_importance");
    if (shared < 0 || shared > experts) {
      fail<setting_error>({.argument = "by_importance: shared",
                           .expected = "from 0 to " + std::to_string(experts) + " experts",
                           .got = std::to_string(shared)});
    }
    return partition{std::move(cut), ascending(shared)};
  }
};

}  // namespace fissile
