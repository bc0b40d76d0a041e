// What can be typed: the options of every command, into the words of that command.
#pragma once

#include "analyse_command.hpp"
#include "convert_command.hpp"
#include "distil_command.hpp"
#include "gated_command.hpp"
#include "prune_command.hpp"
#include "speed_command.hpp"
#include "study.hpp"

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace fissile::unravel {

/// As typed; what is empty or 0 was left out.
struct study_words {
  std::string model;
  std::vector<std::string> texts;
  std::string guide;
  std::string folder = "study";
  study_settings settings;
};

void add_options(CLI::App& command, study_words& studied);
void add_options(CLI::App& command, prune_words& pruned);
void add_options(CLI::App& command, convert_words& asked);
void add_options(CLI::App& command, analyse_words& asked);
void add_options(CLI::App& command, distil_words& learned);
void add_options(CLI::App& command, gated_words& gated);
void add_options(CLI::App& command, speed_words& timed);

}  // namespace fissile::unravel
