#include <fissile/prune/apply_mask.hpp>
#include <fissile/prune/weight_scores.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace fissile {
namespace {

template <class T>
struct apply_mask_test : ::testing::Test {};
using masked_elements = ::testing::Types<float, bf16, f16, double>;
TYPED_TEST_SUITE(apply_mask_test, masked_elements);

TYPED_TEST(apply_mask_test, what_goes_is_0_and_all_else_is_untouched) {
  random_source random{231};
  for (index_t round = 0; round < 20; ++round) {
    const index_t outputs = 1 + random.below(9), inputs = 1 + random.below(30), stride = inputs + random.below(3);
    auto numbers = testing::random_numbers<TypeParam>(random, outputs * stride);
    const auto before = numbers;
    const matrix_view<TypeParam> weights{numbers.data(), outputs, inputs, stride};
    const weight_mask mask = mask_of(weights, random_weights{.seed = random.bits()}, unstructured{random.uniform()});
    const mask_report report = apply_mask(weights, mask);
    for (index_t i = 0; i < outputs * stride; ++i) {
      const bool goes = i % stride < inputs && !mask.keeps(i / stride, i % stride);
      const TypeParam expected = goes ? TypeParam{} : before[to_size(i)];
      ASSERT_EQ(std::memcmp(&numbers[to_size(i)], &expected, sizeof(TypeParam)), 0);
    }
    const auto count = static_cast<std::uint64_t>(outputs * inputs);
    EXPECT_EQ(report, (mask_report{.matrices = 1,
                                   .weights = count,
                                   .removed = static_cast<std::uint64_t>(mask.removed()),
                                   .bytes = count * sizeof(TypeParam)}));
  }
}

TEST(apply_mask, the_report_says_that_no_byte_is_saved) {
  mask_report report{.matrices = 1, .weights = 1000, .removed = 400, .bytes = 2000};
  report += mask_report{.matrices = 1, .weights = 1000, .removed = 600, .bytes = 4000};
  EXPECT_EQ(to_string(report),
            "2 matrices\n"
            "weights set to 0  1000 of 2000  (50 %)\n"
            "bytes             6000 -> 6000  (100 %): zeros are stored like any other number\n");
}

TEST(apply_mask, refuses_another_shape) {
  std::vector<float> numbers(6);
  const weight_mask mask{.outputs = 3, .inputs = 2, .kept = std::vector<char>(6, 1)};
  testing::expect_says(testing::message_of<shape_error>([&] {
                         apply_mask(matrix_view<float>{numbers.data(), 2, 3}, mask);
                       }),
                       {"apply_mask: weights", "[3 x 2]", "got [2 x 3]"});
  const weight_mask hollow{.outputs = 2, .inputs = 3};
  EXPECT_THROW(apply_mask(matrix_view<float>{numbers.data(), 2, 3}, hollow), shape_error);
  const weight_mask whole{.outputs = 2, .inputs = 3, .kept = std::vector<char>(6, 1)};
  EXPECT_THROW(intersection_over_union(whole, hollow), shape_error);
}

}  // namespace
}  // namespace fissile
