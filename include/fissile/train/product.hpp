// A matrix product over picked rows and columns, added to where the caller wants it; nothing is allocated.
//
//   out[m][n] += sum over k of left[k][m] * right[k][n]
//
// Blocks of both sides are copied side by side into the order in which `tile_kernel` reads them. Rows and columns that
// do not lie together (the tokens of an expert, the neurons of one) are picked by that same copy, so that gathering
// costs nothing. Blocks, tiles and sums ascend: the same input gives the same bits.
#pragma once

#include <fissile/train/panel.hpp>
#include <fissile/train/tile_kernel.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace fissile {

/// Room for the blocks of one product at a time. Half a MiB and a little in float, twice that in double.
template <std::floating_point A>
class product_space {
public:
  product_space() : left_(to_size(depth * rows + line)), right_(to_size(depth * columns + line)) {}

  /// out[m][n] += sum over k of left[k][m] * right[k][n]. left: [k x m], right: [k x n], out: [m x n], elsewhere.
  void add_product(picked<const A> left, picked<const A> right, picked<A> out) noexcept {
    add_product(left, right, out, tile_kernel_for<A>());
  }
  /// The same by a kernel of one's choice.
  void add_product(picked<const A> left, picked<const A> right, picked<A> out, const tile_kernel<A>& kernel) noexcept {
    Expects(left.first.count == right.first.count);
    Expects(out.first.count == left.second.count && out.second.count == right.second.count);
    for (index_t n = 0; n < right.second.count; n += columns) {
      for (index_t k = 0; k < left.first.count; k += depth) {
        const index_range sums{k, std::min(depth, left.first.count - k)};
        const index_range across{n, std::min(columns, right.second.count - n)};
        for (index_t c = 0; c < across.count; c += 2 * kernel.lanes) {
          const index_t width = tile_width(across.count - c, kernel);
          copy_panel<A>(right, sums, {n + c, std::min(width, across.count - c)}, width,
                        aligned(right_) + c * sums.count);
        }
        for (index_t m = 0; m < left.second.count; m += rows) {
          const index_range down{m, std::min(rows, left.second.count - m)};
          for (index_t r = 0; r < down.count; r += tile_rows) {
            copy_panel<A>(left, sums, {m + r, std::min(tile_rows, down.count - r)}, tile_rows,
                          aligned(left_) + r * sums.count);
          }
          multiply_block(down, across, sums.count, out, kernel);
        }
      }
    }
  }

private:
  // A panel of `right` stays in the first cache, the block of `left` in the second, that of `right` in the third.
  static constexpr index_t depth = 256, rows = 96, columns = 512;
  static constexpr index_t line = 64 / static_cast<index_t>(sizeof(A));

  static index_t tile_width(index_t left, const tile_kernel<A>& kernel) noexcept {
    return left > kernel.lanes ? 2 * kernel.lanes : kernel.lanes;
  }

  /// Vectors that straddle cache lines take twice the time.
  static A* aligned(std::vector<A>& numbers) noexcept {
    const auto misplaced = reinterpret_cast<std::uintptr_t>(numbers.data()) % 64;
    return numbers.data() + (misplaced == 0 ? 0 : (64 - misplaced) / sizeof(A));
  }

  /// Adds the product of the two blocks in the buffers.
  void multiply_block(index_range down, index_range across, index_t count, const picked<A>& out,
                      const tile_kernel<A>& kernel) noexcept {
    for (index_t c = 0; c < across.count; c += 2 * kernel.lanes) {
      const index_t width = tile_width(across.count - c, kernel);
      const auto run = width == kernel.lanes ? kernel.narrow : kernel.wide;
      const index_range columns_here{across.begin + c, std::min(width, across.count - c)};
      for (index_t r = 0; r < down.count; r += tile_rows) {
        const index_range rows_here{down.begin + r, std::min(tile_rows, down.count - r)};
        const auto multiply = [&](A* const* at) noexcept {
          run(aligned(left_) + r * count, aligned(right_) + c * count, count, at);
        };
        if (out.second.dense() && rows_here.count == tile_rows && columns_here.count == width) {
          std::array<A*, to_size(tile_rows)> at;
          for (index_t i = 0; i < tile_rows; ++i) {
            at[to_size(i)] = out.data + out.first.at(rows_here.begin + i) + columns_here.begin;
          }
          multiply(at.data());
        } else {
          add_part_of_tile(multiply, width, rows_here, columns_here, out);
        }
      }
    }
  }

  /// At an edge, or where columns are picked: a whole tile beside, of which a part is added.
  template <class Multiply>
  static void add_part_of_tile(const Multiply& multiply, index_t width, index_range rows_here, index_range columns_here,
                               const picked<A>& out) noexcept {
    alignas(64) std::array<A, to_size(tile_rows * most_tile_columns<A>)> tile{};
    std::array<A*, to_size(tile_rows)> at;
    for (index_t i = 0; i < tile_rows; ++i) at[to_size(i)] = tile.data() + i * width;
    multiply(at.data());
    for (index_t i = 0; i < rows_here.count; ++i) {
      A* row = out.data + out.first.at(rows_here.begin + i);
      for (index_t j = 0; j < columns_here.count; ++j) row[out.second.at(columns_here.begin + j)] += at[to_size(i)][j];
    }
  }

  std::vector<A> left_;   // [rows / tile_rows][depth][tile_rows]
  std::vector<A> right_;  // [columns / tile][depth][tile]
};

}  // namespace fissile
