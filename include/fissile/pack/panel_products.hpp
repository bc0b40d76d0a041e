// A whole panel times the inputs of any number of tokens, by tiles, in blocks that stay in the cache.
#pragma once

#include <fissile/pack/kernel/tile_table.hpp>
#include <fissile/pack/panel_layout.hpp>

#include <algorithm>

namespace fissile {

/// One panel and the functions that read it.
template <packed_element T>
struct panel_view {
  const panel_matrix<T>* shape;
  const std::byte* data;
  const kernel::tile_table* tiles;
  index_t input_bytes = sizeof(float);  // of one input: 2 where inputs were rounded to bf16
};

namespace detail {

/// What to fetch while a tile runs: the next block. Each group of tokens fetches its share, a little in every step, at
/// a few places side by side, of which a core reads more than of one (bench/NOTES.md).
inline void plan_ahead(kernel::tile_work& work, index_t step_bytes, index_t steps, index_t group, index_t groups) {
  work.ahead_bytes = step_bytes / groups;
  work.ahead_apart = steps * step_bytes / kernel::streams;
  work.ahead = work.panel + steps * step_bytes + group * (steps / kernel::streams) * work.ahead_bytes;
}

}  // namespace detail

/// out_of(t)[0 ... 63] += panel . in_of(t) for t = 0 ... count - 1, terms ascending.
/// in_of(t): the first input of token t, as bytes; out_of(t): its 64 sums.
template <packed_element T, class InOf, class OutOf>
void multiply_panel(const panel_view<T>& panel, index_t count, const InOf& in_of, const OutOf& out_of) noexcept {
  using kernel::most_tokens;
  const panel_matrix<T>& shape = *panel.shape;
  const index_t groups = (count + most_tokens - 1) / most_tokens;
  const index_t step_bytes = kernel::panel_columns * panel_matrix<T>::step_terms * static_cast<index_t>(sizeof(T));
  float nobody[kernel::panel_columns] = {};  // sums of rows that fill a tile up
  for (index_t first = 0; first < shape.terms; first += block_terms<T>) {
    const index_t last = std::min(shape.terms, first + block_terms<T>);
    const index_t at_once = shape.scale_terms == 0 ? block_terms<T> : shape.scale_terms;
    for (index_t group = 0; group < groups; ++group) {
      const index_t begin = group * most_tokens;
      const index_t tokens = std::min<index_t>(most_tokens, count - begin);
      const int tile = kernel::tile_table::index_for(tokens);
      const std::byte* in[most_tokens];
      float* out[most_tokens];
      for (index_t t = 0; t < kernel::tile_table::tokens_at(tile); ++t) {
        in[t] = in_of(begin + std::min(t, tokens - 1)) + first * panel.input_bytes;
        out[t] = t < tokens ? out_of(begin + t) : nobody;
      }
      for (index_t term = first; term < last; term += at_once) {
        kernel::tile_work work{
            .panel = panel.data + shape.offset(term, 0),
            .terms = std::min(at_once, last - term),
            .in = in,
            .out = out,
            .scales = reinterpret_cast<const float*>(panel.data) + shape.scale_row(term) * kernel::panel_columns,
            .ahead = nullptr,
            .ahead_bytes = 0};
        detail::plan_ahead(work, step_bytes,
                           (work.terms + panel_matrix<T>::step_terms - 1) / panel_matrix<T>::step_terms, group, groups);
        panel.tiles->of[tile](work);
        for (index_t t = 0; t < kernel::tile_table::tokens_at(tile); ++t) in[t] += work.terms * panel.input_bytes;
      }
    }
  }
}

/// For one token: `count` neighbouring panels from `panel` on, `out_of(p)` being the 64 sums of the p-th.
template <packed_element T, class OutOf>
void multiply_panels(const panel_view<T>& panel, index_t count, const std::byte* in, const OutOf& out_of) noexcept {
  const panel_matrix<T>& shape = *panel.shape;
  const index_t bytes = shape.panel_bytes();
  index_t p = 0;
  for (; p + kernel::streams <= count; p += kernel::streams) {
    float* out[kernel::streams];
    for (index_t s = 0; s < kernel::streams; ++s) out[s] = out_of(p + s);
    const std::byte* data = panel.data + p * bytes;
    const index_t at_once = shape.scale_terms == 0 ? block_terms<T> : shape.scale_terms;
    for (index_t term = 0; term < shape.terms; term += at_once) {
      const std::byte* from = in + term * panel.input_bytes;
      panel.tiles->of_streams(
          {.panel = data + shape.offset(term, 0),
           .terms = std::min(at_once, shape.terms - term),
           .in = &from,
           .out = out,
           .scales = reinterpret_cast<const float*>(data) + shape.scale_row(term) * kernel::panel_columns,
           .ahead = nullptr,
           .ahead_bytes = 0,
           .panel_bytes = bytes});
    }
  }
  for (; p < count; ++p) {
    panel_view<T> one = panel;
    one.data += p * bytes;
    multiply_panel(
        one, 1, [&](index_t) noexcept { return in; }, [&](index_t) noexcept { return out_of(p); });
  }
}

}  // namespace fissile
