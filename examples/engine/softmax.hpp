// The softmax of a row of scores, for whatever vectors this processor has.
#pragma once

#include <fissile/pack/kernel/vector_activations.hpp>

#include <cmath>

namespace fissile::engine {

struct softmax_work {
  float* scores;   // [padded]; overwritten
  index_t seen;    // scores that count; those after them lie in the future and become 0
  index_t padded;  // a multiple of 64, at least `seen`
  float scale;
};

/// share_i = exp(scale (score_i - largest)) / sum of the same. Sums are cut by lanes, so that the bits of a row depend
/// on the row alone.
template <class Isa>
FISSILE_INSIDE void softmax_row(const softmax_work& work) {
  using namespace kernel;
  constexpr int lanes = Isa::lanes;
  using vector = floats<lanes>;
  for (index_t i = work.seen; i < work.padded; ++i) work.scores[i] = -HUGE_VALF;
  vector z, largest = vector{} - HUGE_VALF, sums{};
  for (index_t i = 0; i < work.padded; i += lanes) {
    load<lanes>(work.scores + i, z);
    largest = z > largest ? z : largest;
  }
  float most = largest[0];
  for (int lane = 1; lane < lanes; ++lane) most = largest[lane] > most ? largest[lane] : most;
  for (index_t i = 0; i < work.padded; i += lanes) {
    load<lanes>(work.scores + i, z);
    z = (z - most) * work.scale;
    const vector exponent = z;
    exponential<Isa>(z);
    z = exponent < -87.0f ? vector{} : z;  // below the smallest power, and the future
    sums += z;
    store<lanes>(z, work.scores + i);
  }
  float sum = 0;
  for (int lane = 0; lane < lanes; ++lane) sum += sums[lane];
  for (index_t i = 0; i < work.padded; i += lanes) {
    load<lanes>(work.scores + i, z);
    z /= sum;
    store<lanes>(z, work.scores + i);
  }
}

using softmax_function = void (*)(const softmax_work&) noexcept;

template <bool fused = arithmetic::fused>
void softmax_base(const softmax_work& work) noexcept {
  softmax_row<kernel::base_isa<fused>>(work);
}
#if FISSILE_X86_TARGETS
FISSILE_TARGET_AVX2 inline void softmax_avx2(const softmax_work& work) noexcept {
  softmax_row<kernel::avx2_isa>(work);
}
FISSILE_TARGET_AVX512 inline void softmax_avx512(const softmax_work& work) noexcept {
  softmax_row<kernel::avx512_isa>(work);
}
#endif

/// The one compiled for this instruction set, which the processor must have.
inline softmax_function softmax_for(instruction_set set) noexcept {
#if FISSILE_X86_TARGETS
  if (set >= instruction_set::avx512) return softmax_avx512;
  if (set == instruction_set::avx2) return softmax_avx2;
#endif
  (void)set;
  return softmax_base<>;
}

}  // namespace fissile::engine
