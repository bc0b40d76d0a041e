// A judge: gives every expert of a layer a standing, and says on what ground.
#pragma once

#include <fissile/partition/partition.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

namespace fissile {

/// What a judge has looked at; goes into the verdict.
struct evidence {
  std::string corpus = {};
  std::uint64_t tokens = 0;
  friend bool operator==(const evidence&, const evidence&) = default;
};

/// Where an expert stands in its layer: the lower the value, the sooner it goes.
struct standing {
  double value = 0;
  std::string reason = {};  // the ground in words: "frequency 0.0031 of 12000 tokens in de"
};

/// judge: gives the experts of a layer their standings.
///
///   std::string name()   with what distinguishes it from others of its kind: "keep_busiest(de)"
///   evidence seen()      the text behind it; {} where it looks at none
///   std::vector<standing> standings(index_t layer, const partition& experts)   [experts], by number
///
/// Law: the same evidence gives the same standings; no value is NaN. Standings of shared experts are not looked at.
/// Evidence that does not fit the layer is refused by shape_error or setting_error.
/// Satisfied by keep_busiest, keep_least_used, keep_largest, spare_features, random_order, keep_highest, reap, all_of.
template <class J>
concept judge = requires(const J& policy, index_t layer, const partition& experts) {
  { policy.name() } -> std::same_as<std::string>;
  { policy.seen() } -> std::same_as<evidence>;
  { policy.standings(layer, experts) } -> std::same_as<std::vector<standing>>;
};

}  // namespace fissile
