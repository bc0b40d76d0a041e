// Seeded random numbers that are the same on every standard library and machine.
//
// The distributions of <random> are not portable; this generator (splitmix64, Steele, Lea and Flood 2014) and the
// few draws below are, so that a seed in a report means the same split everywhere.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace fissile {

class random_source {
public:
  constexpr explicit random_source(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t bits() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  /// Uniform in [0, 1), a multiple of 2^-53.
  constexpr double uniform() noexcept { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  /// Uniform in {0 ... bound - 1}, without bias (draws that would favour small numbers are thrown away).
  constexpr index_t below(index_t bound) noexcept {
    Expects(bound > 0);
    const auto n = static_cast<std::uint64_t>(bound);
    const std::uint64_t reject = (0 - n) % n;  // 2^64 mod n
    std::uint64_t draw = bits();
    while (draw < reject) draw = bits();
    return static_cast<index_t>(draw % n);
  }

  /// Normal with mean 0 and variance 1 (Box and Muller, one of the pair). The bits depend on the machine's libm.
  double normal() noexcept {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }

private:
  std::uint64_t state_;
};

/// Fisher and Yates, in place: every order is equally likely.
template <class T>
void shuffle(std::vector<T>& values, random_source& random) {
  for (index_t i = length(values) - 1; i > 0; --i) {
    using std::swap;
    swap(values[to_size(i)], values[to_size(random.below(i + 1))]);
  }
}

}  // namespace fissile
