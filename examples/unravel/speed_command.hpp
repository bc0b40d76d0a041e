// The command `unravel speed`, compiled by itself: it has the kernels of every element.
#pragma once

#include <fissile/base/index.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace fissile::unravel {

/// As typed; what is empty or 0 was left out.
struct speed_words {
  std::string model, synthetic, element, json;
  index_t experts = 16, threads = 0, prompt = 512;
  std::vector<std::string> texts;  // LANGUAGE=FILE
  double seconds = 2;
  std::uint64_t seed = 1;
};

/// Measures, prints, and writes the JSON file where one is named.
void run_speed(const speed_words& asked);

}  // namespace fissile::unravel
