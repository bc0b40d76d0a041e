// How a step of a panel is read and multiplied, one reader for each kind of stored number.
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/pack/kernel/tile.hpp>
#include <fissile/pack/packed_element.hpp>

namespace fissile::kernel {

/// sums[t][w] += weights[w] * in[t], for one term.
template <class Isa, int tokens, int wide>
FISSILE_INSIDE void add_term(const floats<Isa::lanes> (&weights)[wide], const std::byte* const (&in)[tokens],
                             index_t term, floats<Isa::lanes> (&sums)[tokens][wide]) {
#pragma GCC unroll 8
  for (int t = 0; t < tokens; ++t) {
    floats<Isa::lanes> x;
    spread<Isa::lanes>(reinterpret_cast<const float*>(in[t]) + term, x);
#pragma GCC unroll 8
    for (int w = 0; w < wide; ++w) multiply_add<Isa::lanes, Isa::fused>(weights[w], x, sums[t][w]);
  }
}

/// One term a step, widened to float as it is read: by `Kind::widen(from, lanes to)`.
template <class Kind, int bytes>
struct one_term {
  static constexpr index_t step_terms = 1;
  static constexpr index_t input_bytes = 4;
  static constexpr int column_bytes = bytes;
  static constexpr bool scaled = false;
  template <class Isa, int tokens, int wide>
  FISSILE_INSIDE static void add(const std::byte* row, const std::byte* const (&in)[tokens], index_t step,
                                 floats<Isa::lanes> (&sums)[tokens][wide]) {
    floats<Isa::lanes> weights[wide];
#pragma GCC unroll 8
    for (int w = 0; w < wide; ++w) Kind::template widen<Isa::lanes>(row + w * Isa::lanes * column_bytes, weights[w]);
    add_term<Isa, tokens, wide>(weights, in, step, sums);
  }
  template <class Isa, int tokens, int wide>
  FISSILE_INSIDE static void add_last(const std::byte*, const std::byte* const (&)[tokens], index_t,
                                      floats<Isa::lanes> (&)[tokens][wide]) {}
};

template <>
struct reader<float> : one_term<reader<float>, 4> {
  template <int lanes>
  FISSILE_INSIDE static void widen(const std::byte* from, floats<lanes>& to) {
    load<lanes>(reinterpret_cast<const float*>(from), to);
  }
};
template <>
struct reader<f16> : one_term<reader<f16>, 2> {
  template <int lanes>
  FISSILE_INSIDE static void widen(const std::byte* from, floats<lanes>& to) {
    widen_f16<lanes>(from, to);
  }
};
/// Whole numbers; the scale of each column enters when the call ends.
template <>
struct reader<int8> : one_term<reader<int8>, 1> {
  static constexpr bool scaled = true;
  template <int lanes>
  FISSILE_INSIDE static void widen(const std::byte* from, floats<lanes>& to) {
    widen_int8<lanes>(from, to);
  }
};

/// Two neighbouring terms lie in 32 bits: the first in the lower half. Widening either is one cheap operation.
template <>
struct reader<bf16> {
  static constexpr index_t step_terms = 2;
  static constexpr index_t input_bytes = 4;
  static constexpr int column_bytes = 4;
  static constexpr bool scaled = false;
  enum class half { lower, upper };
  template <class Isa, half which, int wide>
  FISSILE_INSIDE static void widen(const std::byte* row, floats<Isa::lanes> (&weights)[wide]) {
#pragma GCC unroll 8
    for (int w = 0; w < wide; ++w) {
      ints<Isa::lanes> pair;
      load_bits<Isa::lanes>(row + w * Isa::lanes * column_bytes, pair);
      if constexpr (which == half::lower) {
        pair = pair << 16;
      } else {
        pair = pair & static_cast<std::int32_t>(0xffff0000u);
      }
      weights[w] = reinterpret_cast<floats<Isa::lanes>>(pair);
    }
  }
  template <class Isa, int tokens, int wide>
  FISSILE_INSIDE static void add(const std::byte* row, const std::byte* const (&in)[tokens], index_t step,
                                 floats<Isa::lanes> (&sums)[tokens][wide]) {
    floats<Isa::lanes> weights[wide];
    widen<Isa, half::lower>(row, weights);
    add_term<Isa, tokens, wide>(weights, in, 2 * step, sums);
    widen<Isa, half::upper>(row, weights);
    add_term<Isa, tokens, wide>(weights, in, 2 * step + 1, sums);
  }
  /// Where the number of terms is odd, the second half of the last pair is padding and its input does not exist.
  template <class Isa, int tokens, int wide>
  FISSILE_INSIDE static void add_last(const std::byte* row, const std::byte* const (&in)[tokens], index_t step,
                                      floats<Isa::lanes> (&sums)[tokens][wide]) {
    floats<Isa::lanes> weights[wide];
    widen<Isa, half::lower>(row, weights);
    add_term<Isa, tokens, wide>(weights, in, 2 * step, sums);
  }
};

/// The same panel, multiplied by inputs that were rounded to bf16, pair by pair; see dot_tile.hpp for the instruction.
struct rounded_inputs {};
template <>
struct reader<rounded_inputs> {
  static constexpr index_t step_terms = 2;
  static constexpr index_t input_bytes = 2;
  static constexpr int column_bytes = 4;
  static constexpr bool scaled = false;
  template <class Isa, int tokens, int wide>
  FISSILE_INSIDE static void add_pairs(const std::byte* row, const std::int32_t (&pairs)[tokens],
                                       floats<Isa::lanes> (&sums)[tokens][wide]) {
    ints<Isa::lanes> weights[wide];
#pragma GCC unroll 8
    for (int w = 0; w < wide; ++w) load_bits<Isa::lanes>(row + w * Isa::lanes * column_bytes, weights[w]);
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
      const ints<Isa::lanes> x = ints<Isa::lanes>{} + pairs[t];
#pragma GCC unroll 8
      for (int w = 0; w < wide; ++w) portable::dot_bf16<Isa::lanes>(weights[w], x, sums[t][w]);
    }
  }
  template <class Isa, int tokens, int wide>
  FISSILE_INSIDE static void add(const std::byte* row, const std::byte* const (&in)[tokens], index_t step,
                                 floats<Isa::lanes> (&sums)[tokens][wide]) {
    typedef std::int32_t pair_in_memory __attribute__((aligned(1), may_alias));
    std::int32_t pairs[tokens];
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) pairs[t] = reinterpret_cast<const pair_in_memory*>(in[t])[step];
    add_pairs<Isa, tokens, wide>(row, pairs, sums);
  }
  template <class Isa, int tokens, int wide>
  FISSILE_INSIDE static void add_last(const std::byte* row, const std::byte* const (&in)[tokens], index_t step,
                                      floats<Isa::lanes> (&sums)[tokens][wide]) {
    std::int32_t pairs[tokens];
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) pairs[t] = reinterpret_cast<const bf16*>(in[t])[2 * step].bits;
    add_pairs<Isa, tokens, wide>(row, pairs, sums);
  }
};

}  // namespace fissile::kernel
