// How a GGUF file calls the matrices of a dense feed-forward layer.
#pragma once

#include <fissile/base/index.hpp>

#include <string>
#include <string_view>

namespace fissile::unravel {

/// "blk.3.ffn_down.weight"
inline std::string ffn_tensor(index_t layer, std::string_view part) {
  return "blk." + std::to_string(layer) + ".ffn_" + std::string{part} + ".weight";
}

}  // namespace fissile::unravel
