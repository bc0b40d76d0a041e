// The tile compiled once for each instruction set, and the table from which one is chosen at run time.
#pragma once

#include <fissile/pack/kernel/dot_tile.hpp>
#include <fissile/pack/kernel/readers.hpp>

namespace fissile::kernel {

template <class Reader, int tokens, bool fused = arithmetic::fused>
void tile_base(const tile_work& work) noexcept {
  multiply_tile<base_isa<fused>, tokens, Reader>(work);
}
template <class Reader, bool fused = arithmetic::fused>
void streams_base(const tile_work& work) noexcept {
  multiply_streams<base_isa<fused>, Reader>(work);
}
#if FISSILE_X86_TARGETS
template <class Reader>
FISSILE_TARGET_AVX2 void streams_avx2(const tile_work& work) noexcept {
  multiply_streams<avx2_isa, Reader>(work);
}
template <class Reader>
FISSILE_TARGET_AVX512 void streams_avx512(const tile_work& work) noexcept {
  multiply_streams<avx512_isa, Reader>(work);
}
template <class Reader, int tokens>
FISSILE_TARGET_AVX2 void tile_avx2(const tile_work& work) noexcept {
  multiply_tile<avx2_isa, tokens, Reader>(work);
}
template <class Reader, int tokens>
FISSILE_TARGET_AVX512 void tile_avx512(const tile_work& work) noexcept {
  multiply_tile<avx512_isa, tokens, Reader>(work);
}
#endif

/// The tiles of 1, 2, 4 and 6 tokens. Other numbers run as the next larger, with rows that nobody reads.
struct tile_table {
  tile_function of[4] = {};
  tile_function of_streams = nullptr;  // one token, several panels

  static constexpr int index_for(index_t tokens) noexcept {
    return tokens <= 2 ? int(tokens) - 1 : tokens <= 4 ? 2 : 3;
  }
  static constexpr index_t tokens_at(int index) noexcept { return index == 0 ? 1 : 2 * index; }
};

/// The tiles that read panels of `T` with the given instruction set, which this processor must have.
template <class T>
tile_table tiles_for(instruction_set set) noexcept {
  using reads = reader<T>;
#if FISSILE_X86_TARGETS
  if constexpr (std::same_as<T, rounded_inputs>) {
    if (set == instruction_set::avx512_bf16) {
      return {{dot_tile<1>, dot_tile<2>, dot_tile<4>, dot_tile<6>}, dot_tile<1, streams>};
    }
  }
  if (set >= instruction_set::avx512) {
    return {{tile_avx512<reads, 1>, tile_avx512<reads, 2>, tile_avx512<reads, 4>, tile_avx512<reads, 6>},
            streams_avx512<reads>};
  }
  if (set == instruction_set::avx2) {
    return {{tile_avx2<reads, 1>, tile_avx2<reads, 2>, tile_avx2<reads, 4>, tile_avx2<reads, 6>}, streams_avx2<reads>};
  }
#endif
  (void)set;
  return {{tile_base<reads, 1>, tile_base<reads, 2>, tile_base<reads, 4>, tile_base<reads, 6>}, streams_base<reads>};
}

}  // namespace fissile::kernel
