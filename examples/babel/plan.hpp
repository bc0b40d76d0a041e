// Everything that is measured of a model, in the order in which it is worth knowing.
#pragma once

#include "pruning.hpp"

#include <vector>

namespace fissile::babel_study {

inline constexpr std::array<double, 5> rates{0.0625, 0.125, 0.25, 0.375, 0.5};
inline constexpr std::array<double, 2> side_rates{0.25, 0.5};  // where views are compared
inline constexpr std::uint64_t random_seeds = 10;              // 1 ... 10
inline constexpr std::uint64_t side_seeds = 4;                 // where views are compared
inline constexpr std::array<index_t, 5> expert_sizes{4, 8, 16, 32, 64};
inline constexpr std::array<level_kind, 4> level_kinds{level_kind::activity, level_kind::idleness, level_kind::loud,
                                                       level_kind::quiet};
inline constexpr std::array<double, 2> lambdas{0.1, 0.2};

/// Sizes, splits and scores next to the usual one: even, 16 neurons, sum of |h|.
inline std::vector<view_kind> size_views() {
  std::vector<view_kind> all;
  for (const index_t size : expert_sizes) all.push_back({.expert_neurons = size});
  return all;
}
inline std::vector<view_kind> split_views() {
  return {{}, {.split = "clusters"}, {.split = "coactivation"}};
}
inline std::vector<view_kind> score_views() {
  std::vector<view_kind> all;
  for (const reduce_kind reduce : {reduce_kind::sum, reduce_kind::largest}) {
    for (const phi_kind phi : phi_kinds) all.push_back({.score = {phi, reduce}});
  }
  return all;
}
/// Each once.
inline std::vector<view_kind> all_views() {
  std::vector<view_kind> all;
  for (const auto& some : {size_views(), split_views(), score_views()}) {
    for (const view_kind& one : some) {
      if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
    }
  }
  return all;
}

/// At one rate: the language's own word, and as many draws as `seeds`.
inline void against_random(pruning how, std::uint64_t seeds, std::vector<pruning>& plan) {
  how.judge = judge_kind::own;
  plan.push_back(how);
  how.judge = judge_kind::random;
  for (how.seed = 1; how.seed <= seeds; ++how.seed) plan.push_back(how);
}

/// Rates, for every model.
inline std::vector<pruning> main_plan() {
  std::vector<pruning> plan;
  for (const use_kind use : {use_kind::remove, use_kind::restrict}) {
    plan.push_back({.use = use});
    for (const double rate : rates) {
      against_random({.use = use, .rate = rate}, random_seeds, plan);
      plan.push_back({.use = use, .judge = judge_kind::all, .rate = rate});
    }
  }
  return plan;
}
/// Layer rates, sizes, splits and scores, for one model.
inline std::vector<pruning> side_plan() {
  std::vector<pruning> plan;
  for (const double rate : side_rates) {
    for (const double lambda : lambdas) {
      for (const level_kind level : level_kinds) {
        plan.push_back({.judge = judge_kind::own, .rate = rate, .level = level, .lambda = lambda});
      }
    }
  }
  for (const auto& views : {split_views(), size_views()}) {
    for (const view_kind& view : views) {
      for (const use_kind use : {use_kind::remove, use_kind::restrict}) {
        plan.push_back({.view = view, .use = use});
        for (const double rate : side_rates) against_random({.view = view, .use = use, .rate = rate}, side_seeds, plan);
      }
    }
  }
  for (const view_kind& view : score_views()) {
    for (const use_kind use : {use_kind::remove, use_kind::restrict}) {
      plan.push_back({.view = view, .use = use});
      for (const double rate : side_rates) {
        plan.push_back({.view = view, .use = use, .judge = judge_kind::own, .rate = rate});
      }
    }
  }
  return plan;
}

}  // namespace fissile::babel_study
