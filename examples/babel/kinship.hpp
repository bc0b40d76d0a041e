// How well a table of distances between languages finds their families again.
#pragma once

#include "languages.hpp"

#include <fissile/count/clustering.hpp>
#include <fissile/count/stability.hpp>

#include <vector>

namespace fissile::babel_study {

/// As many clusters as there are groups, against the groups.
struct agreement_with_groups {
  double index = 0;   // adjusted Rand
  double chance = 0;  // p, by permutation
};
inline constexpr permutation_settings permutations{.draws = 10000, .seed = 1};

/// These rows and columns alone.
inline distance_table among_languages(const distance_table& all, const std::vector<std::size_t>& places) {
  distance_table some;
  for (const std::size_t a : places) {
    some.emplace_back();
    for (const std::size_t b : places) some.back().push_back(all[a][b]);
  }
  return some;
}

inline agreement_with_groups agree(const distance_table& distances, const grouping& groups) {
  const grouping found = cut_into(average_linkage(distances), count_of(groups));
  return {adjusted_rand(found, groups), permutation_p(found, groups, permutations)};
}

struct kinship {
  agreement_with_groups families, scripts, latin;  // the last: families, of the languages in Latin script alone
};
inline kinship kinship_of(const distance_table& distances) {
  const auto all = written_in(), latin = written_in("Latin");
  return {agree(distances, groups_of(all, &language::family)), agree(distances, groups_of(all, &language::script)),
          agree(among_languages(distances, latin), groups_of(latin, &language::family))};
}

/// The distances of all pairs, one after the other.
inline std::vector<double> pairs_of_table(const distance_table& distances) {
  std::vector<double> all;
  for (std::size_t a = 0; a < distances.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) all.push_back(distances[a][b]);
  }
  return all;
}

/// Correlation of the ranks of two tables' pairs.
inline double rank_correlation(const distance_table& a, const distance_table& b) {
  return pearson(ranks(pairs_of_table(a)), ranks(pairs_of_table(b)));
}
/// Of a and b, with what both share with c taken out: (ab - ac bc) / sqrt((1 - ac^2) (1 - bc^2)).
inline double partial_correlation(double ab, double ac, double bc) {
  return (ab - ac * bc) / std::sqrt((1 - ac * ac) * (1 - bc * bc));
}
/// 0 where two languages are of one family, else 1.
inline distance_table family_table(const std::vector<std::size_t>& places) {
  distance_table table;
  for (const std::size_t a : places) {
    table.emplace_back();
    for (const std::size_t b : places) {
      table.back().push_back(languages[a].family == languages[b].family ? 0.0 : 1.0);
    }
  }
  return table;
}

}  // namespace fissile::babel_study
