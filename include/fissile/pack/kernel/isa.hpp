// What a kernel must know of the instruction set it is compiled for.
#pragma once

#include <fissile/pack/kernel/instructions.hpp>

namespace fissile::kernel {

inline constexpr int panel_columns = 64;  // sums side by side in a panel

/// `base` is what the build flags allow: whether it fuses a product and a sum is an argument, so that files built with
/// other flags have other functions.
template <bool fuses>
struct base_isa {
  static constexpr int lanes = 4;
  static constexpr bool fused = fuses;
};
struct avx2_isa {
  static constexpr int lanes = 8;
  static constexpr bool fused = true;
};
struct avx512_isa {
  static constexpr int lanes = 16;
  static constexpr bool fused = true;
};

}  // namespace fissile::kernel
