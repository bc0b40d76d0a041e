// The command `unravel distil`, compiled by itself: it has the training of the library.
#pragma once

#include "distil_plan.hpp"

#include <string>
#include <vector>

namespace fissile::unravel {

/// As typed; what is empty was left out.
struct distil_words {
  std::string model, guide;
  std::vector<std::string> texts;  // LANGUAGE=FILE
  std::string target;              // of --out
  std::string resume, json, figure;
  double threshold = 0.5;
  distil_plan plan;
};

/// Learns, scores, prints, and writes the files that are named.
void run_distil(const distil_words& asked);

}  // namespace fissile::unravel
