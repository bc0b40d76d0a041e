// Judges and budgets of the tests' own: the least that satisfies the concepts.
#pragma once

#include <fissile/prune/budget.hpp>
#include <fissile/prune/judge.hpp>

#include <string>
#include <vector>

namespace fissile::testing {

/// Gives the standings it was told, the same in every layer.
struct told {
  std::vector<double> values;
  std::string reason = "told";
  evidence from = {"a corpus", 7};

  std::string name() const { return "told"; }
  evidence seen() const { return from; }
  std::vector<standing> standings(index_t, const partition&) const {
    std::vector<standing> made;
    for (double value : values) made.push_back({.value = value, .reason = reason});
    return made;
  }
};
static_assert(judge<told>);

/// Removes what it was told.
struct exactly {
  std::vector<index_t> counts;
  float rate = 0.5f;

  std::string name() const { return "exactly"; }
  std::vector<index_t> removals(vector_view<const layer_size>) const { return counts; }
};
static_assert(budget<exactly>);

struct nameless {
  double rate = 0;
  std::vector<index_t> removals(vector_view<const layer_size>) const { return {}; }
};
static_assert(!budget<nameless> && !judge<nameless>);

/// As many experts of one neuron each, in each of some layers.
inline std::vector<partition> single_neurons(index_t experts, index_t layers = 1,
                                             const std::vector<index_t>& shared = {}) {
  std::vector<std::vector<index_t>> members;
  for (index_t e = 0; e < experts; ++e) members.push_back({e});
  return std::vector<partition>(to_size(layers), partition{members, shared});
}

}  // namespace fissile::testing
