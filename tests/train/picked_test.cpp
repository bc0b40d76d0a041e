#include <fissile/train/picked.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace fissile::testing {
namespace {

TEST(picked, a_list_that_counts_up_by_one_needs_no_list) {
  const std::vector<index_t> run{3, 4, 5}, gap{3, 5, 6}, none;
  EXPECT_EQ(picked_lines::these(run).picks, nullptr);
  EXPECT_EQ(picked_lines::these(run).begin, 3);
  EXPECT_EQ(picked_lines::these(run).count, 3);
  EXPECT_EQ(picked_lines::these(gap).picks, gap.data());
  EXPECT_EQ(picked_lines::these(gap).begin, 0);
  EXPECT_EQ(picked_lines::these(none).count, 0);
}

TEST(picked, finds_numbers_by_both_directions) {
  std::vector<int> numbers(5 * 7);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<int>(i);
  const std::vector<index_t> rows{0, 3}, columns{4, 5};
  const auto some =
      pick(matrix_view<int>{numbers.data(), 5, 6, 7}, picked_lines::these(rows), picked_lines::these(columns));
  EXPECT_FALSE(some.first.dense());
  EXPECT_TRUE(some.second.dense());
  for (index_t i = 0; i < 2; ++i) {
    for (index_t j = 0; j < 2; ++j) {
      const int expected = static_cast<int>(rows[to_size(i)] * 7 + columns[to_size(j)]);
      EXPECT_EQ(some.data[some.first.at(i) + some.second.at(j)], expected);
      const auto turned = some.swapped();
      EXPECT_EQ(turned.data[turned.first.at(j) + turned.second.at(i)], expected);
    }
  }
  const auto all = pick(matrix_view<int>{numbers.data(), 5, 6, 7});
  EXPECT_EQ(all.first.count, 5);
  EXPECT_EQ(all.first.stride, 7);
  EXPECT_EQ(all.second.count, 6);
}

}  // namespace
}  // namespace fissile::testing
