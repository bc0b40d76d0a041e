// The kinds of packed experts that properties are tested for: what panels hold, how it is multiplied, what activates.
#pragma once

#include "pack/machine.hpp"
#include "support/random_ffn.hpp"

#include <fissile/pack/pack.hpp>

#include <gtest/gtest.h>

#include <array>

namespace fissile::testing {

/// An activation of a user's own: float only, with a state, unknown to the kernels.
struct leaky {
  float slope = 0.125f;
  float operator()(float z) const noexcept { return z < 0 ? slope * z : z; }
};

template <packed_element T, class Activation, products Products = products::exact>
struct packed_kind {
  using stored = T;
  using source = unpacked_element<T>;
  using activation_type = Activation;
  static constexpr products how = Products;

  /// Settings for this kind; int8 with one of its groups by chance.
  static pack_settings settings(random_source& random, instruction_set set) {
    const std::array<index_t, 5> together{0, 32, 64, 128, 256};
    return {.instructions = set,
            .products = Products,
            .weights_per_scale = std::same_as<T, int8> ? together[to_size(random.below(5))] : 0};
  }
};

/// The neurons in runs of any length, in any order; one expert may have one neuron and another all the rest.
inline partition uneven_split(random_source& random, index_t neurons, index_t experts) {
  std::vector<index_t> order = ascending(neurons), cuts;
  shuffle(order, random);
  std::vector<index_t> places = ascending(neurons - 1);
  shuffle(places, random);
  cuts.assign(places.begin(), places.begin() + (experts - 1));
  std::sort(cuts.begin(), cuts.end());
  cuts.push_back(neurons - 1);
  std::vector<std::vector<index_t>> split;
  auto from = order.begin();
  for (const index_t cut : cuts) {
    const auto to = order.begin() + cut + 1;
    split.emplace_back(from, to);
    from = to;
  }
  std::vector<index_t> shared;
  if (random.below(2) == 0) shared.push_back(random.below(experts));
  return partition{std::move(split), shared};
}

/// Routes over `experts` experts; each token takes each by chance `share`, with a weight near 1 that is not 1.
inline void random_choices(random_source& random, workspace& work, index_t tokens, index_t experts, double share) {
  work.start(tokens);
  for (route& chosen : work.routes()) {
    for (index_t e = 0; e < experts; ++e) {
      if (random.uniform() < share) chosen.append({e, static_cast<float>(random.uniform() + 0.5)});
    }
  }
}

}  // namespace fissile::testing
