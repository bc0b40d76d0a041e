// The command `unravel gated`: reads texts with a model that was trained with gates, running only what they open.
#pragma once

#include <fissile/base/index.hpp>

#include <string>
#include <vector>

namespace fissile::unravel {

/// As typed; what is empty or 0 was left out.
struct gated_words {
  std::string model, guide, element = "float", json, figure;
  std::vector<std::string> texts;  // LANGUAGE=FILE
  std::vector<double> thresholds;  // empty: that of the training
  index_t bytes = 16384, threads = 0, prompt = 512;
  double seconds = 2;
};

/// Measures, prints, and writes the files that are named.
void run_gated(const gated_words& asked);

}  // namespace fissile::unravel
