// The tile: 64 outputs of a panel for a few tokens, kept in registers while the panel streams by once.
//
// A panel is [steps][64 columns][terms of a step]: every load is linear and nothing is summed across a register. Law of
// the sums: per output, terms come in ascending order into one accumulator that `out` carries from call to call. So an
// output has the same bits whether its token is alone in the tile or beside others.
#pragma once

#include <fissile/base/index.hpp>
#include <fissile/pack/kernel/isa.hpp>

namespace fissile::kernel {

inline constexpr int most_tokens = 6;  // in one tile: 24 accumulators of 16 lanes

/// What one call multiplies: out[t][column] += sum over steps of panel[step][column] . in[t][step].
struct tile_work {
  const std::byte* panel;      // the weights of the first step
  index_t terms;               // of each sum
  const std::byte* const* in;  // [tokens]: the first input of each, floats or (for bf16_dot) bf16
  float* const* out;           // [tokens]: 64 sums each
  const float* scales;         // [64], of quantised weights
  const std::byte* ahead;      // memory that will be wanted next ...
  index_t ahead_bytes;         // ... and how much of it to fetch in each step
};
using tile_function = void (*)(const tile_work&) noexcept;

/// How the weights of one step are read and multiplied, for each kind of panel. `Isa` tells lanes and fused.
template <class T>
struct reader;

/// Registers a row of the tile has: as many columns at once as the set has room for beside `tokens` rows.
template <class Isa, int tokens>
inline constexpr int tile_registers = Isa::lanes == 16 ? 4
                                                       : (tokens == 1   ? 8
                                                          : tokens == 2 ? 4
                                                                        : 2);

/// Bytes ahead in the panel, which waits in the second-level cache, that a tile of several tokens fetches into the
/// first.
inline constexpr int near_ahead = 1024;

template <class Isa, int tokens, class Reader>
FISSILE_INSIDE void multiply_tile(const tile_work& work) {
  constexpr int wide = tile_registers<Isa, tokens>;
  constexpr int lanes = Isa::lanes;
  for (int column = 0; column < panel_columns; column += wide * lanes) {
    floats<lanes> sums[tokens][wide];
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
#pragma GCC unroll 8
      for (int w = 0; w < wide; ++w) {
        if constexpr (Reader::scaled) {
          sums[t][w] = floats<lanes>{};
        } else {
          load<lanes>(work.out[t] + column + w * lanes, sums[t][w]);
        }
      }
    }
    const std::byte* in[tokens];
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) in[t] = work.in[t];
    const std::byte* row = work.panel + column * Reader::column_bytes;
    const std::byte* ahead = work.ahead;
    const index_t ahead_bytes = column == 0 ? work.ahead_bytes : 0;
    const index_t whole = work.terms / Reader::step_terms;
    for (index_t step = 0; step < whole; ++step, row += panel_columns * Reader::column_bytes) {
      for (index_t line = 0; line < ahead_bytes; line += 64) __builtin_prefetch(ahead + line, 0, tokens <= 2 ? 3 : 2);
      ahead += ahead_bytes;
      if constexpr (tokens > 2) {
#pragma GCC unroll 8
        for (int line = 0; line < wide * lanes * Reader::column_bytes; line += 64) {
          __builtin_prefetch(row + near_ahead + line, 0, 3);
        }
      }
      Reader::template add<Isa, tokens, wide>(row, in, step, sums);
    }
    if (Reader::step_terms > 1 && work.terms % Reader::step_terms != 0) {
      Reader::template add_last<Isa, tokens, wide>(row, in, whole, sums);
    }
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) {
#pragma GCC unroll 8
      for (int w = 0; w < wide; ++w) {
        float* out = work.out[t] + column + w * lanes;
        if constexpr (Reader::scaled) {
          floats<lanes> scale, total;
          load<lanes>(work.scales + column + w * lanes, scale);
          load<lanes>(out, total);
          multiply_add<lanes, Isa::fused>(sums[t][w], scale, total);
          store<lanes>(total, out);
        } else {
          store<lanes>(sums[t][w], out);
        }
      }
    }
  }
}

}  // namespace fissile::kernel
