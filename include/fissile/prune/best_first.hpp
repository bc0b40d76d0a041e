// Standings become an order.
#pragma once

#include <fissile/prune/judge.hpp>

#include <algorithm>
#include <cmath>

namespace fissile {

/// The unshared experts of a layer, the best first: higher standings, then lower numbers.
/// Throws setting_error where the judge gave a wrong number of standings, or a NaN.
inline std::vector<index_t> best_first(const std::vector<standing>& standings, const partition& experts,
                                       const std::string& judge) {
  if (length(standings) != experts.experts()) {
    fail<setting_error>({.argument = judge,
                         .expected = std::to_string(experts.experts()) + " standings, one an expert",
                         .got = std::to_string(standings.size())});
  }
  std::vector<index_t> order;
  for (index_t expert = 0; expert < experts.experts(); ++expert) {
    if (experts.shared(expert)) continue;
    if (std::isnan(standings[to_size(expert)].value)) {
      fail<setting_error>({.argument = judge + ": standing of expert " + std::to_string(expert),
                           .expected = "a number",
                           .got = "NaN",
                           .cure = "is what was measured damaged?"});
    }
    order.push_back(expert);
  }
  std::sort(order.begin(), order.end(), [&](index_t a, index_t b) {
    const double of_a = standings[to_size(a)].value;
    const double of_b = standings[to_size(b)].value;
    return of_a > of_b || (of_a == of_b && a < b);
  });
  return order;
}

}  // namespace fissile
