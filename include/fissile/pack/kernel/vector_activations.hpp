// Activations for several neurons at once; an exponential of our own, since the library's comes one number at a time.
#pragma once

#include <fissile/pack/kernel/isa.hpp>
#include <fissile/weights/activations.hpp>

namespace fissile::kernel {

/// z = exp(z), within 2 units in the last place from -87 to 88; infinite beyond 88 and exp(-87) below -87; NaN stays
/// NaN.
///
///   exp(z) = 2^n exp(r),  n = round(z / ln 2),  r = z - n ln 2 in two parts,  |r| <= 0.347
///
/// exp(r) by the polynomial of Cephes' expf (Moshier 1992).
template <class Isa>
FISSILE_INSIDE void exponential(floats<Isa::lanes>& z) {
  constexpr int lanes = Isa::lanes;
  using V = floats<lanes>;
  z = z > 88.0f ? V{} + 89.0f : z;  // 2^128 is infinite
  z = z < -87.0f ? V{} - 87.0f : z;
  V n = V{} + 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  multiply_add<lanes, Isa::fused>(z, V{} + 1.44269504088896341f, n);
  const ints<lanes> whole = reinterpret_cast<ints<lanes>>(n) - 0x4b400000;
  n -= 12582912.0f;
  V r = z;
  multiply_add<lanes, Isa::fused>(n, V{} - 0.693359375f, r);
  multiply_add<lanes, Isa::fused>(n, V{} + 2.12194440e-4f, r);
  constexpr float coefficients[] = {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 0.5f};
  V sum = V{} + 1.9875691500e-4f;
#pragma GCC unroll 8
  for (float coefficient : coefficients) {
    V next = V{} + coefficient;
    multiply_add<lanes, Isa::fused>(sum, r, next);
    sum = next;
  }
  V result = r + 1.0f;
  const V square = r * r;
  multiply_add<lanes, Isa::fused>(sum, square, result);
  z = result * reinterpret_cast<V>((whole + 127) << 23);
}

/// z = f(z) for a register of neurons: any activation, one number at a time; the usual ones all at once.
template <class Activation>
struct lanes_of {
  template <class Isa>
  FISSILE_INSIDE static void apply(const Activation& activate, floats<Isa::lanes>& z) {
    for (int lane = 0; lane < Isa::lanes; ++lane) z[lane] = activate(z[lane]);
  }
};
template <>
struct lanes_of<silu> {  // z / (1 + exp(-z))
  template <class Isa>
  FISSILE_INSIDE static void apply(const silu&, floats<Isa::lanes>& z) {
    floats<Isa::lanes> power = -z;
    exponential<Isa>(power);
    z /= power + 1.0f;
  }
};
template <>
struct lanes_of<gelu_tanh> {  // 1/2 (1 + tanh(a)) = 1 / (1 + exp(-2 a))
  template <class Isa>
  FISSILE_INSIDE static void apply(const gelu_tanh&, floats<Isa::lanes>& z) {
    floats<Isa::lanes> power = z * (z * z * 0.044715f + 1.0f) * (-2.0f * 0.79788456080286535588f);
    exponential<Isa>(power);
    z /= power + 1.0f;
  }
};
template <>
struct lanes_of<relu> {
  template <class Isa>
  FISSILE_INSIDE static void apply(const relu&, floats<Isa::lanes>& z) {
    z = z < 0.0f ? floats<Isa::lanes>{} : z;
  }
};
template <>
struct lanes_of<relu2> {
  template <class Isa>
  FISSILE_INSIDE static void apply(const relu2&, floats<Isa::lanes>& z) {
    z = z < 0.0f ? floats<Isa::lanes>{} : z * z;
  }
};

}  // namespace fissile::kernel
