// Everything a study compares: which experts go, by whose word, how many, and how the survivors are run.
#pragma once

#include <fissile/base/index.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::unravel {

/// Whose word says which experts go.
enum class judged_by {
  none,    // nobody: all experts stay
  own,     // the least used by the language itself
  all,     // the least used by all languages, each counting the same
  other,   // the least used by the next language given; the first one follows the last
  random,  // drawn
  most     // the most used by the language itself
};
enum class routing { all, top_k };
enum class budget_kind { uniform, level };

constexpr std::string_view name_of(judged_by judge) noexcept {
  constexpr std::array<std::string_view, 6> names{"none", "own", "all", "other", "random", "most"};
  return names[static_cast<std::size_t>(judge)];
}
constexpr std::string_view name_of(routing how) noexcept {
  return how == routing::all ? "all" : "top_k";
}
constexpr std::string_view name_of(budget_kind budget) noexcept {
  return budget == budget_kind::uniform ? "uniform" : "level";
}

/// One way to prune a model for a language.
struct combination {
  judged_by judge = judged_by::none;
  routing how = routing::all;
  budget_kind budget = budget_kind::uniform;
  double rate = 0;
  std::uint64_t seed = 0;  // of the study, or of the draw
  friend bool operator==(const combination&, const combination&) = default;
};

inline constexpr std::array<double, 3> rates{0.125, 0.25, 0.5};
inline constexpr double routed_rate = 0.25;  // where routing and budgets are compared
inline constexpr std::uint64_t random_seeds = 5;

/// All judges with something to remove; `random` once for each seed, `other` where there is another language.
inline void append_judges(combination like, index_t languages, std::vector<combination>& list) {
  for (const judged_by judge : {judged_by::own, judged_by::all, judged_by::other, judged_by::random, judged_by::most}) {
    if (judge == judged_by::other && languages < 2) continue;
    like.judge = judge;
    for (std::uint64_t draw = 0; draw < (judge == judged_by::random ? random_seeds : 1); ++draw) {
      list.push_back(like);
      list.back().seed += draw;
    }
  }
}

/// Of one language, each once, in the order of the tables.
inline std::vector<combination> combinations(std::uint64_t seed, index_t languages) {
  std::vector<combination> list{{.seed = seed}, {.how = routing::top_k, .seed = seed}};
  for (const double rate : rates) append_judges({.rate = rate, .seed = seed}, languages, list);
  append_judges({.how = routing::top_k, .rate = routed_rate, .seed = seed}, languages, list);
  append_judges({.budget = budget_kind::level, .rate = routed_rate, .seed = seed}, languages, list);
  return list;
}

}  // namespace fissile::unravel
