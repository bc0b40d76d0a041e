// What can be chosen of an analysis.
#pragma once

#include <fissile/base/index.hpp>

#include <cstdint>

namespace fissile::unravel {

/// Whether line i of each text says the same.
enum class line_order { unrelated, parallel };

struct analyse_settings {
  line_order order = line_order::unrelated;
  index_t windows = 48;          // lines read of each language, at most
  index_t silenced = 32;         // neurons drawn from all layers; 0: none
  index_t silenced_windows = 4;  // of those lines, at most, read again with each of them silenced
  std::uint64_t seed = 1;        // of that draw, the same for all languages
  index_t threads = 0;           // 0: as many as there are cores
};

}  // namespace fissile::unravel
