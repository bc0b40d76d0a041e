// The law of the sums: every sum has the bits of a plain ascending loop, however rows and tokens are put together.
#include <fissile/weights/row_products.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace fissile {
namespace {

using testing::random_numbers;

template <class T>
class row_products : public ::testing::Test {};
using elements = ::testing::Types<float, bf16, f16, double>;
TYPED_TEST_SUITE(row_products, elements);

TYPED_TEST(row_products, every_sum_has_the_bits_of_a_plain_loop) {
  random_source random{1};
  for (int trial = 0; trial < 300; ++trial) {
    const index_t rows = random.below(20), columns = 1 + random.below(40), positions = random.below(columns + 1);
    const index_t tokens = 1 + random.below(lanes);
    const auto weights = random_numbers<TypeParam>(random, rows * columns);
    const auto numbers = random_numbers<float>(random, tokens * columns);
    const auto start = random_numbers<float>(random, rows * tokens);
    std::vector<index_t> order(to_size(columns)), column(to_size(columns));  // any order of either may be asked for
    for (index_t i = 0; i < columns; ++i) order[to_size(i)] = column[to_size(i)] = i;
    shuffle(column, random);
    std::vector<float> scratch(to_size(columns * lanes));
    const token_tile tile = make_tile(
        positions, tokens, [&](index_t lane) noexcept { return numbers.data() + lane * columns; }, scratch.data());
    std::vector<float> sums(to_size(rows * tokens)), expected = start;
    multiply_rows<TypeParam>(
        rows, [&](index_t r) noexcept { return weights.data() + (rows - 1 - r) * columns; },
        [&](index_t k) noexcept { return column[to_size(k)]; }, tile,
        [&](index_t r, index_t lane) noexcept { return start[to_size(r * tokens + lane)]; },
        [&](index_t r, index_t lane, float sum) noexcept { sums[to_size(r * tokens + lane)] = sum; });
    for (index_t r = 0; r < rows; ++r) {
      for (index_t token = 0; token < tokens; ++token) {
        float& sum = expected[to_size(r * tokens + token)];
        for (index_t k = 0; k < positions; ++k) {
          const TypeParam weight = weights[to_size((rows - 1 - r) * columns + column[to_size(k)])];
          sum = multiply_add(widen<float>(weight), numbers[to_size(token * columns + k)], sum);
        }
      }
    }
    ASSERT_TRUE(rows == 0 || std::memcmp(sums.data(), expected.data(), sums.size() * sizeof(float)) == 0)
        << "trial " << trial << ": " << rows << " rows, " << columns << " columns, " << tokens << " tokens";
  }
}

TEST(make_tile, turns_tokens_into_lanes_and_clears_the_rest) {
  const std::vector<float> numbers{1, 2, 3, 4, 5, 6};  // [3 tokens x 2]
  std::vector<float> scratch(2 * lanes, -1.0f);
  const token_tile tile = make_tile(
      2, 3, [&](index_t lane) noexcept { return numbers.data() + 2 * lane; }, scratch.data());
  EXPECT_EQ(tile.numbers, scratch.data());
  EXPECT_EQ(scratch, (std::vector<float>{1, 3, 5, 0, 0, 0, 0, 0, 2, 4, 6, 0, 0, 0, 0, 0}));
}

TEST(make_tile, a_single_token_is_read_where_it_lies) {
  const std::vector<float> numbers{1, 2};
  const token_tile tile = make_tile(
      2, 1, [&](index_t) noexcept { return numbers.data(); }, nullptr);
  EXPECT_EQ(tile.numbers, numbers.data());
  EXPECT_EQ(tile.count, 1);
  EXPECT_EQ(tile.positions, 2);
}

}  // namespace
}  // namespace fissile
