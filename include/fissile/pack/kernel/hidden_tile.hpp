// From the sums of an input panel to hidden activations, for one token: biases, activation, gate times up.
//
//   h_j = activation(gate_j + gate_bias_j) * (up_j + up_bias_j)      or      activation(up_j + up_bias_j)
#pragma once

#include <fissile/pack/kernel/vector_activations.hpp>

namespace fissile::kernel {

struct hidden_work {
  float* sums;        // [64]: gate x32 | up x32, or up x64; overwritten
  const float* bias;  // [64] in the same order, or null
  float weight;       // of the route; multiplies the hidden activation
};

/// The activations end where the gates' sums (or ups') stood: [32], or [64] without a gate.
template <class Isa, bool gated, class Activation>
FISSILE_INSIDE void finish_hidden(const Activation& activate, const hidden_work& work) {
  constexpr int lanes = Isa::lanes;
  constexpr int neurons = gated ? panel_columns / 2 : panel_columns;
  for (int j = 0; j < neurons; j += lanes) {
    floats<lanes> z, up;
    load<lanes>(work.sums + j, z);
    if (work.bias != nullptr) {
      floats<lanes> bias;
      load<lanes>(work.bias + j, bias);
      z += bias;
    }
    if constexpr (gated) {
      load<lanes>(work.sums + neurons + j, up);
      if (work.bias != nullptr) {
        floats<lanes> bias;
        load<lanes>(work.bias + neurons + j, bias);
        up += bias;
      }
    }
    lanes_of<Activation>::template apply<Isa>(activate, z);
    if constexpr (gated) z *= up;
    z *= work.weight;
    store<lanes>(z, work.sums + j);
  }
}

template <class Activation>
using hidden_function = void (*)(const Activation&, const hidden_work&) noexcept;

template <class Activation, bool gated, bool fused = arithmetic::fused>
void hidden_base(const Activation& activate, const hidden_work& work) noexcept {
  finish_hidden<base_isa<fused>, gated>(activate, work);
}
#if FISSILE_X86_TARGETS
template <class Activation, bool gated>
FISSILE_TARGET_AVX2 void hidden_avx2(const Activation& activate, const hidden_work& work) noexcept {
  finish_hidden<avx2_isa, gated>(activate, work);
}
template <class Activation, bool gated>
FISSILE_TARGET_AVX512 void hidden_avx512(const Activation& activate, const hidden_work& work) noexcept {
  finish_hidden<avx512_isa, gated>(activate, work);
}
#endif

template <class Activation, bool gated>
hidden_function<Activation> hidden_for(instruction_set set) noexcept {
#if FISSILE_X86_TARGETS
  if (set >= instruction_set::avx512) return hidden_avx512<Activation, gated>;
  if (set == instruction_set::avx2) return hidden_avx2<Activation, gated>;
#endif
  (void)set;
  return hidden_base<Activation, gated>;
}
template <class Activation>
hidden_function<Activation> hidden_for(instruction_set set, bool gated) noexcept {
  return gated ? hidden_for<Activation, true>(set) : hidden_for<Activation, false>(set);
}

}  // namespace fissile::kernel
