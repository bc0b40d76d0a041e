// Which experts work together: how many tokens chose both of two experts, by (label, layer).
//
// Tokens are counted pair by pair, with the experts' own uses on the diagonal, so that the counts can be checked:
// together(a, b) = together(b, a), together(e, e) = uses of e, and the sum over all a and b is the sum over tokens of
// the square of their routes' lengths.
#pragma once

#include <fissile/count/counts_table.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace fissile {

/// Of one label and layer. Plain data; it is itself a route_observer.
struct layer_coactivation {
  std::uint64_t tokens = 0;
  std::vector<std::uint64_t> pairs;  // row e holds together(e, 0) ... together(e, e): the lower triangle
  std::vector<char> shared;          // [experts]: 1 where the partition marks the expert as shared

  layer_coactivation() = default;
  explicit layer_coactivation(const partition& split)
      : pairs(to_size(triangle(split.experts())), 0), shared(to_size(split.experts()), 0) {
    for (index_t e : split.shared_experts()) shared[to_size(e)] = 1;
  }

  index_t experts() const noexcept { return length(shared); }
  /// Tokens that chose both; with a = b, all that chose it.
  std::uint64_t together(index_t a, index_t b) const noexcept {
    return pairs[to_size(triangle(std::max(a, b)) + std::min(a, b))];
  }
  std::uint64_t uses(index_t e) const noexcept { return together(e, e); }
  /// Of the tokens that chose `given`, the share that chose e as well; 0 where none did.
  double share(index_t e, index_t given) const noexcept {
    return uses(given) == 0 ? 0.0 : static_cast<double>(together(e, given)) / static_cast<double>(uses(given));
  }
  /// The sum of together(a, b) over all a and b, modulo 2^64.
  std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (index_t a = 0; a < experts(); ++a) {
      for (index_t b = 0; b <= a; ++b) sum += (a == b ? 1u : 2u) * together(a, b);
    }
    return sum;
  }

  /// One token's route, in time that grows with the square of its length. Allocates nothing.
  void token(const route& chosen) noexcept {
    ++tokens;
    for (index_t i = 0; i < chosen.length(); ++i) {
      const index_t a = chosen[i].expert;
      Expects(a >= 0 && a < experts() && (i == 0 || chosen[i - 1].expert < a));
      std::uint64_t* row = pairs.data() + triangle(a);
      for (index_t j = 0; j <= i; ++j) ++row[chosen[j].expert];
    }
  }

  void clear() noexcept {
    tokens = 0;
    std::fill(pairs.begin(), pairs.end(), std::uint64_t{0});
  }
  bool same_shape(const layer_coactivation& other) const noexcept { return shared == other.shared; }
  /// Whether every sum of `other` and this fits 64 bits; `merge` expects it.
  bool can_merge(const layer_coactivation& other) const noexcept {
    const auto fits = [](std::uint64_t a, std::uint64_t b) noexcept { return a <= ~b; };
    return same_shape(other) && fits(tokens, other.tokens) &&
           std::equal(pairs.begin(), pairs.end(), other.pairs.begin(), other.pairs.end(), fits);
  }
  void merge(const layer_coactivation& other) noexcept {
    Expects(can_merge(other));
    tokens += other.tokens;
    for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] += other.pairs[i];
  }
  bool can_subtract(const layer_coactivation& part) const noexcept {
    const auto covers = [](std::uint64_t a, std::uint64_t b) noexcept { return a >= b; };
    return same_shape(part) && tokens >= part.tokens &&
           std::equal(pairs.begin(), pairs.end(), part.pairs.begin(), part.pairs.end(), covers);
  }
  /// The inverse of `merge`.
  void subtract(const layer_coactivation& part) noexcept {
    Expects(can_subtract(part));
    tokens -= part.tokens;
    for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] -= part.pairs[i];
  }
  /// What cannot be true of any counting, in words; empty where all is well.
  std::string contradiction() const {
    if (shared.empty()) return "no experts";
    if (length(pairs) != triangle(experts())) return "pairs and shared do not fit in length";
    for (index_t a = 0; a < experts(); ++a) {
      if (uses(a) > tokens) return "expert " + std::to_string(a) + " is used by more tokens than there are";
      for (index_t b = 0; b < a; ++b) {
        if (together(a, b) <= std::min(uses(a), uses(b))) continue;
        return "experts " + std::to_string(b) + " and " + std::to_string(a) + " together more often than one of them";
      }
    }
    return {};
  }

  friend bool operator==(const layer_coactivation&, const layer_coactivation&) = default;

private:
  /// Pairs in the rows before row e.
  static constexpr index_t triangle(index_t e) noexcept { return e * (e + 1) / 2; }
};

/// Used as activation_counts is: counts.at("en", layer) is the observer, counts.of("en", layer).together(a, b) the
/// count. Memory: experts * (experts + 1) / 2 numbers for each label and layer.
class coactivation_counts : public counts_table<coactivation_counts, layer_coactivation> {
public:
  using counts_table::counts_table;
  friend bool operator==(const coactivation_counts&, const coactivation_counts&) = default;
};

}  // namespace fissile
