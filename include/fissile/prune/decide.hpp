// Deciding: a judge says who stands where, a budget how many go, and the verdict is written.
#pragma once

#include <fissile/prune/best_first.hpp>
#include <fissile/prune/budget.hpp>
#include <fissile/prune/verdict.hpp>

#include <utility>

namespace fissile {

/// Which experts of which layers go. `layers` holds one partition a layer.
///
/// In each layer as many experts go as the budget says, those of lowest standing first; of equals the higher number
/// goes first, so that the lower stays. Shared experts never go. Throws what judge and budget throw, and setting_error
/// where they break their laws.
template <judge Judge, budget Budget>
verdict decide(const Judge& by, const Budget& within, vector_view<const partition> layers) {
  if (layers.empty()) {
    fail<setting_error>({.argument = "decide: layers", .expected = "one partition a layer", .got = "none"});
  }
  std::vector<layer_size> sizes;
  for (const partition& experts : layers) {
    sizes.push_back({.experts = experts.experts(), .shared = length(experts.shared_experts())});
  }
  const std::vector<index_t> removals = within.removals(sizes);
  if (removals.size() != layers.size()) {
    fail<setting_error>({.argument = within.name(),
                         .expected = std::to_string(layers.length()) + " numbers, one a layer",
                         .got = std::to_string(removals.size())});
  }
  const evidence seen = by.seen();
  verdict decided{.judge = by.name(),
                  .budget = within.name(),
                  .rate = static_cast<double>(within.rate),
                  .corpus = seen.corpus,
                  .tokens = seen.tokens};
  for (index_t layer = 0; layer < layers.length(); ++layer) {
    const partition& experts = layers[layer];
    const index_t removed = removals[to_size(layer)];
    const index_t most = most_removable(sizes[to_size(layer)], 0);
    if (removed < 0 || removed > most) {
      fail<setting_error>({.argument = within.name() + ": layer " + std::to_string(layer),
                           .expected = "from 0 to " + std::to_string(most) + " experts to go",
                           .got = std::to_string(removed)});
    }
    const std::vector<standing> standings = by.standings(layer, experts);
    const std::vector<index_t> order = best_first(standings, experts, decided.judge);
    std::vector<ruling> rulings(to_size(experts.experts()), {fate::keep, "shared: works for every token"});
    for (index_t place = 0; place < length(order); ++place) {
      const index_t expert = order[to_size(place)];
      rulings[to_size(expert)] = {
          place < length(order) - removed ? fate::keep : fate::remove,
          standings[to_size(expert)].reason + ": " + ordinal(place + 1) + " of " + std::to_string(order.size())};
    }
    decided.layers.push_back(std::move(rulings));
  }
  return decided;
}

}  // namespace fissile
