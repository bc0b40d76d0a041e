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
  std::string budget = "uniform", per = "block";
  std::string widths = "padded";  // of layers that are left unequal
  std::optional<double> rate = {};
  std::vector<std::string> texts;    // LANGUAGE=FILE
  std::vector<std::string> against;  // LANGUAGE=FILE, what wanda_ratio divides by
  std::string guide, json;
  std::string imatrix, save_imatrix;  // files: measured by others, in place of texts; what the texts measure
  index_t bytes = 65536;              // read of each text
  index_t scored_bytes = 0;           // of each text's other blocks, before and after; 0: none
  prune_plan plan;                    // what single words say; score, groups, rate, budget and per are still words
};

/// Prunes, prints what came of it, and writes the files that are named.
void run_prune(const prune_words& asked);

}  // namespace fissile::unravel
