// What is measured: how weights are judged, by which text, how many go, and with which draw.
#pragma once

#include "calibration.hpp"

#include <fissile/prune/short_number.hpp>

#include <row_file.hpp>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::pruning_study {

/// Under the key of an experiment: what was measured of it.
using row_file = examples::row_file<std::vector<double>>;

enum class method {
  none,               // the model as it is
  wanda,              // single weights of every matrix of a block, set to zero
  sparsegpt,          // the same, the others changed to make up for it
  magnitude,          // as wanda, by |w| alone
  random,             // as wanda, by lot
  neurons,            // whole neurons, by the sum of their weights' wanda scores
  neurons_refit,      // the same, and down fitted anew
  neurons_magnitude,  // whole neurons, by the sum of |w|
  neurons_random      // whole neurons, by lot
};
constexpr std::string_view name_of(method how) noexcept {
  constexpr std::array<std::string_view, 9> names{"none",           "wanda",   "sparsegpt",      "magnitude",
                                                  "random",         "neurons", "neurons, refit", "neurons, magnitude",
                                                  "neurons, random"};
  return names[static_cast<std::size_t>(how)];
}
constexpr bool reads_text(method how) noexcept {
  return how == method::wanda || how == method::sparsegpt || how == method::neurons || how == method::neurons_refit;
}
constexpr bool takes_neurons(method how) noexcept {
  return how >= method::neurons;
}

struct experiment {
  method how = method::none;
  double rate = 0;
  calibration on = {};     // where the method reads a text
  std::uint64_t seed = 1;  // of the calibration's draw, or of the lot

  /// "wanda | 50 % | translation"
  std::string name() const {
    if (how == method::none) return "none";
    const std::string name = std::string{name_of(how)} + " | " + short_number(100 * rate) + " %";
    return reads_text(how) ? name + " | " + on.name() : name;
  }
  /// The same with the seed, where one is drawn.
  std::string key() const {
    const bool drawn = how != method::none && how != method::magnitude && how != method::neurons_magnitude;
    return drawn ? name() + " | seed " + std::to_string(seed) : name();
  }
};

inline constexpr std::array<double, 2> rates{0.5, 0.3};
inline constexpr std::uint64_t seeds = 3;  // 1, 2 and 3

/// One method at one rate: every calibration with every seed.
struct table_plan {
  method how = method::wanda;
  double rate = 0.5;
  std::uint64_t last_seed = seeds;
};

inline std::vector<experiment> experiments_of(const table_plan& plan) {
  std::vector<experiment> list;
  const bool drawn = plan.how != method::magnitude && plan.how != method::neurons_magnitude;
  for (std::uint64_t seed = 1; seed <= (drawn ? plan.last_seed : 1); ++seed) {
    if (!reads_text(plan.how)) {
      list.push_back({.how = plan.how, .rate = plan.rate, .seed = seed});
      continue;
    }
    for (const calibration& on : all_calibrations()) {
      list.push_back({.how = plan.how, .rate = plan.rate, .on = on, .seed = seed});
    }
  }
  return list;
}

/// The tables in the order in which they are measured: what answers the question comes first.
inline std::vector<table_plan> all_tables() {
  std::vector<table_plan> list;
  for (const auto& [sparse, by_size, by_lot] :
       {std::array{method::wanda, method::magnitude, method::random},
        std::array{method::neurons, method::neurons_magnitude, method::neurons_random}}) {
    for (const double rate : rates) {
      for (const method how : {sparse, by_size, by_lot}) list.push_back({.how = how, .rate = rate});
    }
  }
  for (const double rate : rates) list.push_back({.how = method::neurons_refit, .rate = rate});
  for (const double rate : rates) list.push_back({.how = method::sparsegpt, .rate = rate});
  return list;
}

}  // namespace fissile::pruning_study
