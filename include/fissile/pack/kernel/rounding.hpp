// A row of floats rounded to bf16, to nearest, ties to even.
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/pack/kernel/isa.hpp>

#include <cstring>

namespace fissile::kernel {

/// to: [from.length()]; it may begin where `from` begins, since every number is read before its place is written.
template <int lanes>
FISSILE_INSIDE void round_row(vector_view<const float> from, bf16* to) {
  index_t i = 0;
  for (; i + lanes <= from.length(); i += lanes) {
    floats<lanes> z;
    load<lanes>(from.data() + i, z);
    const ints<lanes> bits = reinterpret_cast<ints<lanes>>(z);
    const ints<lanes> odd = (bits >> 16) & 1;
    ints<lanes> rounded = ((bits + 0x7fff + odd) >> 16) & 0xffff;
    const ints<lanes> quiet = ((bits >> 16) & 0xffff) | 0x40;
    rounded = z != z ? quiet : rounded;
    *reinterpret_cast<typename vector<lanes>::shorts_in_memory*>(to + i) =
        __builtin_convertvector(rounded, typename vector<lanes>::shorts);
  }
  for (; i < from.length(); ++i) {
    const bf16 rounded = to_bf16(from[i]);
    std::memcpy(to + i, &rounded, sizeof rounded);  // as bytes: `to` may lie where floats are still to be read
  }
}

inline void round_base(vector_view<const float> from, bf16* to) noexcept {
  round_row<base_isa<false>::lanes>(from, to);
}
#if FISSILE_X86_TARGETS
FISSILE_TARGET_AVX2 inline void round_avx2(vector_view<const float> from, bf16* to) noexcept {
  round_row<avx2_isa::lanes>(from, to);
}
FISSILE_TARGET_AVX512 inline void round_avx512(vector_view<const float> from, bf16* to) noexcept {
  round_row<avx512_isa::lanes>(from, to);
}
#endif

inline void round_to_bf16(instruction_set set, vector_view<const float> from, bf16* to) noexcept {
#if FISSILE_X86_TARGETS
  if (set >= instruction_set::avx512) return round_avx512(from, to);
  if (set == instruction_set::avx2) return round_avx2(from, to);
#endif
  (void)set;
  round_base(from, to);
}

}  // namespace fissile::kernel
