// Random splits, routes and counts, the same on every machine, for the tests of counting.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/count/activation_counts.hpp>

#include <string>
#include <vector>

namespace fissile::testing {

/// 1 to `most` experts, some of them shared.
inline partition random_split(random_source& random, index_t most = 12) {
  const index_t experts = 1 + random.below(most);
  std::vector<index_t> shared;
  for (index_t e = 0; e < experts; ++e) {
    if (random.below(5) == 0) shared.push_back(e);
  }
  return partition{cut_evenly(ascending(experts + random.below(20)), experts, "random_split"), shared};
}

/// Each expert by a chance of its own; often empty, and sometimes with undefined scores. Weights are multiples of
/// 2^-24.
inline route random_route(random_source& random, index_t experts) {
  route chosen{experts};
  const double share = random.uniform() * random.uniform();
  for (index_t e = 0; e < experts; ++e) {
    if (random.uniform() < share) chosen.append({e, static_cast<float>(random.below(1 << 20)) * 0x1p-18f - 1.0f});
  }
  if (random.below(4) == 0) chosen.undefined_scores = random.below(experts + 1);
  return chosen;
}

inline std::vector<route> random_routes(random_source& random, index_t experts, index_t tokens) {
  std::vector<route> routes;
  for (index_t t = 0; t < tokens; ++t) routes.push_back(random_route(random, experts));
  return routes;
}

/// Counts of up to 40 tokens for each label and layer.
inline activation_counts random_counts(random_source& random, const std::vector<partition>& splits,
                                       std::vector<std::string> labels) {
  activation_counts counts{
      splits, {.labels = labels, .layers = length(splits), .corpus = "corpus " + std::to_string(random.below(3))}};
  for (const std::string& label : labels) {
    for (index_t layer = 0; layer < length(splits); ++layer) {
      for (const route& chosen : random_routes(random, counts.experts(layer), random.below(41))) {
        counts.at(label, layer).token(chosen);
      }
    }
  }
  return counts;
}

inline std::vector<partition> random_splits(random_source& random, index_t layers) {
  std::vector<partition> splits;
  for (index_t layer = 0; layer < layers; ++layer) splits.push_back(random_split(random));
  return splits;
}

/// Counts of `tokens` tokens with these uses, as a layer without shared experts would have.
inline layer_counts counts_of(std::uint64_t tokens, std::vector<std::uint64_t> uses) {
  layer_counts counts{partition{cut_evenly(ascending(length(uses)), length(uses), "counts_of")}};
  counts.tokens = tokens;
  counts.uses = std::move(uses);
  return counts;
}

/// Counts of one layer, a label for each list of uses: "a", "b", ...
inline activation_counts counts_of_labels(std::uint64_t tokens, const std::vector<std::vector<std::uint64_t>>& uses) {
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < uses.size(); ++i) labels.emplace_back(1, static_cast<char>('a' + i));
  const index_t experts = length(uses[0]);
  activation_counts counts{partition{cut_evenly(ascending(experts), experts, "counts")}, {.labels = labels}};
  for (std::size_t i = 0; i < uses.size(); ++i) {
    layer_counts cell = counts_of(tokens, uses[i]);
    std::uint64_t used = 0;
    for (const std::uint64_t use : uses[i]) used += use;
    cell.empty_routes = used < tokens ? tokens - used : 0;
    for (std::uint64_t& use : cell.uses) use = std::min(use, tokens - cell.empty_routes);
    counts.set(i, 0, cell);
  }
  return counts;
}

}  // namespace fissile::testing
