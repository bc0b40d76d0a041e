// Selectors called by hand, with scores made to be difficult: many ties, NaN, infinities, both zeros.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/route/selector.hpp>

#include <array>
#include <limits>
#include <vector>

namespace fissile::testing {

inline constexpr float infinite = std::numeric_limits<float>::infinity();
inline constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

inline std::vector<float> difficult_scores(random_source& random, index_t experts) {
  constexpr std::array<float, 12> often{0.0f,  -0.0f, 0.5f, 0.5f,     1.0f,      -1.0f,
                                        0.25f, 2.0f,  2.0f, infinite, -infinite, not_a_number};
  std::vector<float> scores(to_size(experts));
  const index_t kinds = 1 + random.below(length(often));  // without the odd ones in most cases
  for (float& score : scores) {
    score = random.below(4) == 0 ? static_cast<float>(random.normal()) : often[to_size(random.below(kinds))];
  }
  return scores;
}

/// The route a selector makes of one token's scores; `values` must come out as they went in.
template <selector Selector>
std::vector<choice> selected(const Selector& select, const std::vector<float>& values) {
  std::vector<float> keys = values;
  route chosen{fissile::length(values)};
  select.select({values, keys}, chosen);
  return {chosen.begin(), chosen.end()};
}

inline std::vector<choice> at_weight_1(const std::vector<index_t>& experts) {
  std::vector<choice> choices;
  for (index_t expert : experts) choices.push_back({expert, 1.0f});
  return choices;
}

}  // namespace fissile::testing
