// Do two groupings of the same things agree more than chance would let them?
//
// The adjusted Rand index (Hubert and Arabie 1985), over pairs of things, with n_ij things in group i of one and j of
// the other, a_i = sum over j of n_ij, b_j = sum over i, and C(n) = n (n - 1) / 2:
//
//   together = sum C(n_ij),  expected = sum C(a_i) sum C(b_j) / C(n),  most = (sum C(a_i) + sum C(b_j)) / 2
//   index = (together - expected) / (most - expected)
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
#include <fissile/base/random.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

/// The group of each thing; any numbers serve as names. [things]
using grouping = std::vector<index_t>;

inline std::uint64_t pairs_of(std::uint64_t things) noexcept {
  return things * (things - 1) / 2;  // 0 for none: 0 * (2^64 - 1) / 2
}

/// Pairs of things that are together in both groupings.
inline std::uint64_t pairs_together(const grouping& a, const grouping& b) {
  if (a.size() != b.size()) {
    fail<shape_error>({.argument = "adjusted_rand: groupings",
                       .expected = "the same " + std::to_string(a.size()) + " things",
                       .got = std::to_string(b.size())});
  }
  std::map<std::pair<index_t, index_t>, std::uint64_t> shared;
  for (std::size_t thing = 0; thing < a.size(); ++thing) ++shared[{a[thing], b[thing]}];
  std::uint64_t pairs = 0;
  for (const auto& [groups, things] : shared) pairs += pairs_of(things);
  return pairs;
}

/// 1 for equal groupings, 0 in the mean over random ones of the same sizes, negative below that.
/// 1 where chance has no choice: all things by themselves in both, or all together in both. Throws shape_error for
/// groupings of different length.
inline double adjusted_rand(const grouping& a, const grouping& b) {
  const auto together = static_cast<double>(pairs_together(a, b));
  const auto of_a = static_cast<double>(pairs_together(a, a)), of_b = static_cast<double>(pairs_together(b, b));
  const double most = (of_a + of_b) / 2;
  const double expected = a.size() < 2 ? 0.0 : of_a * of_b / static_cast<double>(pairs_of(a.size()));
  return most == expected ? 1.0 : (together - expected) / (most - expected);
}

struct permutation_settings {
  index_t draws = 10000;  // at least 1
  std::uint64_t seed = 1;
};

/// How often chance agrees as well: p = (1 + draws that agree at least as much) / (1 + draws), with the things of one
/// grouping exchanged at random. Compared as whole numbers, so that no rounding decides. Throws as adjusted_rand, and
/// setting_error for less than one draw.
inline double permutation_p(const grouping& a, grouping b, permutation_settings settings = {}) {
  if (settings.draws < 1) {
    fail<setting_error>(
        {.argument = "permutation_p: draws", .expected = "at least 1", .got = std::to_string(settings.draws)});
  }
  const std::uint64_t observed = pairs_together(a, b);  // the index grows with it, all else is the same for all draws
  random_source random{settings.seed};
  index_t as_well = 1;
  for (index_t draw = 0; draw < settings.draws; ++draw) {
    shuffle(b, random);
    as_well += pairs_together(a, b) >= observed ? 1 : 0;
  }
  return static_cast<double>(as_well) / static_cast<double>(settings.draws + 1);
}

}  // namespace fissile
