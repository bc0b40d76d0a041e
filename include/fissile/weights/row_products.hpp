// Products of stored rows with a few tokens at once: the arithmetic under every borrowed path.
//
// Law of the sums: per output, terms are added in ascending order into one accumulator, each by `multiply_add`. So an
// output has the same bits whether its token is computed alone or beside others, and whatever thread computes it.
// Speed comes from doing several outputs side by side: several rows for one token, rows times lanes for several.
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/base/multiply_add.hpp>
#include <fissile/base/view.hpp>

#include <array>
#include <cstring>

namespace fissile {

/// Tokens computed side by side; the last lanes of a tile may be empty.
inline constexpr index_t lanes = 8;

/// For each of `Rows` rows one sum a lane.
template <index_t Rows, index_t Lanes>
struct tile_sums {
  float at[Rows][Lanes];
};

/// sums[r][lane] += rows[r][column(k)] * tile[k][lane] for k = 0 ... positions - 1, ascending.
/// tile: [positions x Lanes].
template <index_t Rows, index_t Lanes, class Arithmetic = arithmetic, element T, class Column>
inline void add_products(const std::array<const T*, to_size(Rows)>& rows, const Column& column, const float* tile,
                         index_t positions, tile_sums<Rows, Lanes>& sums) noexcept {
  using group = std::conditional_t<Lanes % 4 == 0, number_group, float>;
  constexpr index_t groups = Lanes / static_cast<index_t>(sizeof(group) / sizeof(float));
  group local[Rows][groups];  // a copy that compilers keep in registers
  std::memcpy(&local, &sums, sizeof local);
  for (index_t k = 0; k < positions; ++k) {
    std::conditional_t<std::same_as<group, float>, const float*, std::array<group, to_size(groups)>> x;
    if constexpr (std::same_as<group, float>) {
      x = tile + k * Lanes;
    } else {
      std::memcpy(&x, tile + k * Lanes, sizeof x);
    }
    const index_t at = column(k);
#pragma GCC unroll 8
    for (index_t r = 0; r < Rows; ++r) {
      const float weight = widen<float>(rows[to_size(r)][at]);
      for (index_t g = 0; g < groups; ++g) {
        if constexpr (std::same_as<group, float>) {
          local[r][g] = multiply_add(weight, x[to_size(g)], local[r][g]);
        } else {
          multiply_add(weight, x[to_size(g)], local[r][g]);
        }
      }
    }
  }
  std::memcpy(&sums, &local, sizeof local);
}

/// tile[k][lane] = row_of(lane)[k]; lanes from `count` on are zero. tile: [positions x lanes].
template <class RowOf>
inline void fill_tile(index_t positions, index_t count, const RowOf& row_of, float* tile) noexcept {
  std::array<const float*, to_size(lanes)> rows{};
  for (index_t lane = 0; lane < count; ++lane) rows[to_size(lane)] = row_of(lane);
  for (index_t k = 0; k < positions; ++k) {
    for (index_t lane = 0; lane < count; ++lane) tile[k * lanes + lane] = rows[to_size(lane)][k];
    for (index_t lane = count; lane < lanes; ++lane) tile[k * lanes + lane] = 0.0f;
  }
}

/// Numbers of up to `lanes` tokens, ready to be multiplied: a single token is read where it lies.
struct token_tile {
  const float* numbers;  // [positions x lanes], or [positions] for a single token
  index_t positions;
  index_t count;  // tokens, from 1 to `lanes`
};

/// `scratch`: at least positions * lanes floats.
template <class RowOf>
inline token_tile make_tile(index_t positions, index_t count, const RowOf& row_of, float* scratch) noexcept {
  if (count == 1) return {row_of(0), positions, 1};
  fill_tile(positions, count, row_of, scratch);
  return {scratch, positions, count};
}

/// Calls sink(row, lane, sum) for `count` rows of stored numbers, row_at(0) ... row_at(count - 1), and every token of
/// the tile. Each sum starts at start(row, lane).
template <element T, class Arithmetic = arithmetic, class RowAt, class Column, class Start, class Sink>
inline void multiply_rows(index_t count, const RowAt& row_at, const Column& column, token_tile tile, const Start& start,
                          const Sink& sink) noexcept {
  const auto group = [&]<index_t Rows, index_t Lanes>(index_t first) noexcept {
    std::array<const T*, to_size(Rows)> rows;
    tile_sums<Rows, Lanes> sums{};
    for (index_t r = 0; r < Rows; ++r) {
      rows[to_size(r)] = row_at(first + r);
      for (index_t lane = 0; lane < tile.count; ++lane) sums.at[r][lane] = start(first + r, lane);
    }
    add_products<Rows, Lanes, Arithmetic>(rows, column, tile.numbers, tile.positions, sums);
    for (index_t r = 0; r < Rows; ++r) {
      for (index_t lane = 0; lane < tile.count; ++lane) sink(first + r, lane, sums.at[r][lane]);
    }
  };
  index_t row = 0;
  if (tile.count == 1) {
    for (; row + 8 <= count; row += 8) group.template operator()<8, 1>(row);
    for (; row < count; ++row) group.template operator()<1, 1>(row);
  } else {
    for (; row + 4 <= count; row += 4) group.template operator()<4, lanes>(row);
    for (; row < count; ++row) group.template operator()<1, lanes>(row);
  }
}

}  // namespace fissile
