// A panel: numbers of one side of a product, copied into the order in which a tile reads them.
#pragma once

#include <fissile/train/picked.hpp>
#include <fissile/train/tile_kernel.hpp>

#include <algorithm>
#include <array>
#include <type_traits>

namespace fissile {

/// The `count` numbers from `begin` on.
struct index_range {
  index_t begin, count;
};

/// Width: index_t, or a constant where all of the panel is there.
template <std::floating_point A, class Width>
void copy_lines(const picked<const A>& from, index_range sums, index_range across, Width width, A* to) noexcept {
  constexpr index_t line = 64 / static_cast<index_t>(sizeof(A));
  const index_t count = std::is_same_v<Width, index_t> ? across.count : index_t{width};
  if (from.second.dense()) {
    for (index_t k = 0; k < sums.count; ++k, to += width) {
      const A* row = from.data + from.first.at(sums.begin + k) + across.begin;
      for (index_t i = 0; i < count; ++i) to[i] = row[i];
      for (index_t i = count; i < width; ++i) to[i] = A(0);
    }
    return;
  }
  std::array<const A*, to_size(most_tile_columns<A>)> lines{};
  for (index_t i = 0; i < count; ++i) lines[to_size(i)] = from.data + from.second.at(across.begin + i);
  // A cache line's worth of sums at a time: lines far apart by a power of two would drive each other out.
  for (index_t k = 0; k < sums.count; k += line) {
    const index_t end = std::min(k + line, sums.count);
    for (index_t i = 0; i < count; ++i) {
      for (index_t at = k; at < end; ++at) to[at * width + i] = lines[to_size(i)][from.first.at(sums.begin + at)];
    }
    for (index_t at = k; at < end; ++at) {
      for (index_t i = count; i < width; ++i) to[at * width + i] = A(0);
    }
  }
}

/// to[k][i] = from[sums.begin + k][across.begin + i]; zero from across.count on. to: [sums.count x width].
template <std::floating_point A>
void copy_panel(const picked<const A>& from, index_range sums, index_range across, index_t width, A* to) noexcept {
  if (across.count < width) return copy_lines(from, sums, across, width, to);
  switch (width) {  // loops of a known length are faster
    case tile_rows:
      return copy_lines(from, sums, across, std::integral_constant<index_t, tile_rows>{}, to);
    case most_tile_columns<A>:
      return copy_lines(from, sums, across, std::integral_constant<index_t, most_tile_columns<A>>{}, to);
    case most_tile_columns<A> / 2:
      return copy_lines(from, sums, across, std::integral_constant<index_t, most_tile_columns<A> / 2>{}, to);
    case most_tile_columns<A> / 4:
      return copy_lines(from, sums, across, std::integral_constant<index_t, most_tile_columns<A> / 4>{}, to);
    default:
      return copy_lines(from, sums, across, width, to);
  }
}

}  // namespace fissile
