// The command `unravel convert`, compiled by itself.
#pragma once

#include "convert_words.hpp"

namespace fissile::unravel {

/// Makes a plan, writes the mixture, scores it on other texts, and prints.
void run_convert(const convert_words& asked);

}  // namespace fissile::unravel
