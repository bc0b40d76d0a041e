// The command `unravel prune`, compiled by itself: by the verdict of a study, or by texts that the model reads.
#pragma once

#include "prune_plan.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fissile::unravel {

/// As typed; what is empty was left out.
struct prune_words {
  std::string model, target;  // MODEL, --out
  std::string verdict;        // a file; the rest is for pruning by texts
  std::string score, groups;  // "wanda", "2:4"
  std::optional<double> rate = {};
  std::vector<std::string> texts;    // LANGUAGE=FILE
  std::vector<std::string> against;  // LANGUAGE=FILE, what wanda_ratio divides by
  std::string guide, json;
  index_t bytes = 65536;  // read of each text
  prune_plan plan;        // what single words say; score, groups and rate are still words
};

/// Prunes, prints what came of it, and writes the files that are named.
void run_prune(const prune_words& asked);

}  // namespace fissile::unravel
