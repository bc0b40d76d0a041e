// The command `unravel analyse`: how important neurons, components and layers are for each language, how alike
// languages are in each layer, and what the tokenizer makes of them.
#pragma once

#include "analyse_settings.hpp"

#include <string>
#include <vector>

namespace fissile::unravel {

/// As typed; what is empty or 0 was left out.
struct analyse_words {
  std::string model, guide, folder = "analysis";
  std::vector<std::string> texts;  // LANGUAGE=FILE
  analyse_settings settings;
};

/// Analyses, prints, and writes into the folder. `command`: as it can be typed again.
void run_analyse(const analyse_words& asked, const std::string& command);

}  // namespace fissile::unravel
