#include <fissile/train/tile_kernel.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fissile::testing {
namespace {

/// Compares a kernel of any width with loops in double.
template <std::floating_point A>
void expect_tile(random_source& random, typename tile_kernel<A>::function run, index_t columns, double bound) {
  const index_t count = random.below(300), stride = columns + random.below(5);
  const std::vector<A> left = random_numbers<A>(random, count * tile_rows + 1);
  const std::vector<A> right = random_numbers<A>(random, count * columns + 1);
  std::vector<A> out = random_numbers<A>(random, tile_rows * stride);
  const std::vector<A> before = out;
  std::array<A*, to_size(tile_rows)> rows;
  for (index_t r = 0; r < tile_rows; ++r) rows[to_size(r)] = out.data() + r * stride;
  run(left.data(), right.data(), count, rows.data());
  for (index_t r = 0; r < tile_rows; ++r) {
    for (index_t c = 0; c < stride; ++c) {
      double sum = static_cast<double>(before[to_size(r * stride + c)]);
      for (index_t k = 0; k < count && c < columns; ++k) {
        sum += static_cast<double>(left[to_size(k * tile_rows + r)]) *
               static_cast<double>(right[to_size(k * columns + c)]);
      }
      EXPECT_NEAR(static_cast<double>(out[to_size(r * stride + c)]), sum, bound);
    }
  }
}

template <std::floating_point A>
void expect_every_kernel(random_source& random, double bound) {
  for (const instruction_set set : all_instruction_sets) {
    if (!available(set)) continue;
    const tile_kernel<A> kernel = tile_kernel_for<A>(set);
    EXPECT_LE(2 * kernel.lanes, most_tile_columns<A>);
    for (int trial = 0; trial < 10; ++trial) {
      expect_tile<A>(random, kernel.wide, 2 * kernel.lanes, bound);
      expect_tile<A>(random, kernel.narrow, kernel.lanes, bound);
    }
  }
}

TEST(tile_kernel, adds_products_in_every_instruction_set_of_this_machine) {
  random_source random{1};
  expect_every_kernel<float>(random, 1e-4);
  expect_every_kernel<double>(random, 1e-13);
}

}  // namespace
}  // namespace fissile::testing
