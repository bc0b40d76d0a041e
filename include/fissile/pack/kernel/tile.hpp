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
inline constexpr int streams = 4;      // panels that one token reads side by side

/// What one call multiplies: out[t][column] += sum over steps of panel[step][column] . in[t][step].
struct tile_work {
  const std::byte* panel;      // the weights of the first step
  index_t terms;               // of each sum
  const std::byte* const* in;  // [tokens]: the first input of each, floats or (for bf16_dot) bf16
  float* const* out;           // [tokens]: 64 sums each
  const float* scales;         // [64], of quantised weights
  const std::byte* ahead;      // memory that will be wanted next ...
  index_t ahead_bytes;         // ... and how much of it to fetch in each step; steps take turns
  index_t ahead_apart = 0;     // at `streams` places so far apart; 0: there is one place
  index_t panel_bytes = 0;     // with several panels: from one to the next; then out is [panels] and there is one token
};
using tile_function = void (*)(const tile_work&) noexcept;

/// The scales of panel p: they stand where those of the first one stand.
FISSILE_INSIDE const float* scales_of(const tile_work& work, index_t p) {
  return reinterpret_cast<const float*>(reinterpret_cast<const std::byte*>(work.scales) + p * work.panel_bytes);
}

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
/// The same for panels that are read side by side, from memory.
inline constexpr int stream_ahead = 2048;

template <class Isa, int tokens, class Reader, int panels = 1>
FISSILE_INSIDE void multiply_tile(const tile_work& work) {
  constexpr int wide = tile_registers<Isa, tokens>;
  constexpr int lanes = Isa::lanes;
  static_assert(panels == 1 || (tokens == 1 && wide * lanes == panel_columns));
  constexpr int rows = tokens * panels;  // of sums: one a token, or one a panel
  for (int column = 0; column < panel_columns; column += wide * lanes) {
    floats<lanes> sums[panels][tokens][wide];
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 8
      for (int w = 0; w < wide; ++w) {
        if constexpr (Reader::scaled) {
          sums[r / tokens][r % tokens][w] = floats<lanes>{};
        } else {
          load<lanes>(work.out[r] + column + w * lanes, sums[r / tokens][r % tokens][w]);
        }
      }
    }
    const std::byte* in[tokens];
#pragma GCC unroll 8
    for (int t = 0; t < tokens; ++t) in[t] = work.in[t];
    const std::byte* row[panels];
#pragma GCC unroll 8
    for (int p = 0; p < panels; ++p) row[p] = work.panel + p * work.panel_bytes + column * Reader::column_bytes;
    const std::byte* ahead = work.ahead;
    const index_t ahead_bytes = column == 0 ? work.ahead_bytes : 0;
    const index_t last_place = work.ahead_apart == 0 ? 0 : streams - 1;
    const index_t whole = work.terms / Reader::step_terms;
    for (index_t step = 0; step < whole; ++step) {
      if constexpr (panels == 1) {
        const index_t place = step & last_place;
        for (index_t line = 0; line < ahead_bytes; line += 64) {
          __builtin_prefetch(ahead + place * work.ahead_apart + line, 0, tokens <= 2 ? 3 : 2);
        }
        ahead += place == last_place ? ahead_bytes : 0;
      }
#pragma GCC unroll 8
      for (int p = 0; p < panels; ++p) {
        if constexpr (tokens > 2 || panels > 1) {
#pragma GCC unroll 8
          for (int line = 0; line < wide * lanes * Reader::column_bytes; line += 64) {
            __builtin_prefetch(row[p] + (panels > 1 ? stream_ahead : near_ahead) + line, 0, 3);
          }
        }
        Reader::template add<Isa, tokens, wide>(row[p], in, step, sums[p]);
        row[p] += panel_columns * Reader::column_bytes;
      }
    }
    if (Reader::step_terms > 1 && work.terms % Reader::step_terms != 0) {
#pragma GCC unroll 8
      for (int p = 0; p < panels; ++p) Reader::template add_last<Isa, tokens, wide>(row[p], in, whole, sums[p]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 8
      for (int w = 0; w < wide; ++w) {
        float* out = work.out[r] + column + w * lanes;
        if constexpr (Reader::scaled) {
          const float* scales = scales_of(work, r / tokens);
          floats<lanes> scale, total;
          load<lanes>(scales + column + w * lanes, scale);
          load<lanes>(out, total);
          multiply_add<lanes, Isa::fused>(sums[r / tokens][r % tokens][w], scale, total);
          store<lanes>(total, out);
        } else {
          store<lanes>(sums[r / tokens][r % tokens][w], out);
        }
      }
    }
  }
}

/// One token and several neighbouring panels, read side by side: one core keeps more of the memory busy with a few
/// streams than with one. The sums are those of a panel alone.
template <class Isa, class Reader>
FISSILE_INSIDE void multiply_streams(const tile_work& work) {
  if constexpr (Isa::lanes == 16) {
    multiply_tile<Isa, 1, Reader, streams>(work);
  } else {
    // Too few registers for the sums of several panels: they take turns, a KiB each. Sums that are scaled when a call
    // ends cannot be interrupted.
    constexpr index_t turn =
        Reader::scaled ? index_t{1} << 40 : 1024 / (panel_columns * Reader::column_bytes) * Reader::step_terms;
    for (index_t term = 0; term < work.terms; term += turn) {
      for (index_t p = 0; p < streams; ++p) {
        const std::byte* in = work.in[0] + term * Reader::input_bytes;
        tile_work part = work;
        part.panel =
            work.panel + p * work.panel_bytes + term / Reader::step_terms * panel_columns * Reader::column_bytes;
        part.terms = work.terms - term < turn ? work.terms - term : turn;
        part.in = &in;
        part.out = work.out + p;
        part.scales = Reader::scaled ? scales_of(work, p) : nullptr;
        part.ahead = part.panel + stream_ahead;
        part.ahead_bytes = panel_columns * Reader::column_bytes;
        multiply_tile<Isa, 1, Reader>(part);
      }
    }
  }
}

}  // namespace fissile::kernel
