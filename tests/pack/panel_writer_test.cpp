// Writing a panel: numbers of the same type keep their bits, others are rounded to nearest, 8 bits get scales.
#include <fissile/pack/panel_writer.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <cfenv>

namespace fissile {
namespace {

constexpr float infinite = std::numeric_limits<float>::infinity();

std::vector<std::byte> block_for(index_t bytes) {
  return std::vector<std::byte>(to_size(bytes), std::byte{0xff});
}

TEST(converted, rounds_to_nearest_and_leaves_its_own_type_alone) {
  EXPECT_EQ(converted<bf16>(bf16{0x7f81}).bits, 0x7f81) << "a signalling NaN stays as it is";
  EXPECT_EQ(converted<f16>(f16{0x0001}).bits, 0x0001);
  EXPECT_EQ(converted<bf16>(1.0f + 0x1p-8f).bits, to_bf16(1.0f).bits) << "a tie goes to the even one";
  EXPECT_EQ(converted<f16>(1.0 + 0x1p-11 + 0x1p-20).bits, to_f16(1.0f + 0x1p-10f).bits);
  EXPECT_EQ(converted<float>(f16{0x3c01}), 1.0f + 0x1p-10f);
  EXPECT_EQ(converted<f16>(bf16{0x7f00}).bits, 0x7c00) << "too large for binary16: infinite";
}

template <class T>
class written_panels : public ::testing::Test {};
using written = ::testing::Types<float, bf16, f16>;
TYPED_TEST_SUITE(written_panels, written);

TYPED_TEST(written_panels, read_back_and_are_zero_elsewhere) {
  using T = TypeParam;
  const panel_matrix<T> shape{.terms = 7, .columns = 10};
  auto panel = block_for(shape.panel_bytes());
  const auto weight = [](index_t term, index_t column) { return static_cast<float>(10 * term + column + 1); };
  write_panel(shape, 10, weight, panel.data());
  for (index_t term = 0; term < 7; ++term) {
    for (index_t column = 0; column < 64; ++column) {
      const float expected = column < 10 ? weight(term, column) : 0.0f;
      ASSERT_EQ(widen<float>(read_weight(shape, panel.data(), term, column)), expected) << term << ' ' << column;
    }
  }
  const auto not_zero = [](std::byte byte) { return byte != std::byte{0}; };
  const auto last_step = panel.begin() + shape.offset(6, 0);
  if (shape.step_terms == 2) {  // the half step that pads an odd number of terms
    for (index_t column = 0; column < 64; ++column) ASSERT_FALSE(not_zero(*(last_step + 4 * column + 2)));
  }
  EXPECT_TRUE(std::any_of(last_step, panel.end(), not_zero));
}

class eight_bits : public ::testing::TestWithParam<index_t> {};

TEST_P(eight_bits, are_within_half_a_step_of_what_they_stand_for) {
  random_source random{1};
  const index_t terms = 150, together = GetParam() == 0 ? terms : GetParam();
  const auto weights = testing::random_numbers<float>(random, terms * 64);
  const auto weight = [&](index_t term, index_t column) { return weights[to_size(term * 64 + column)]; };
  const panel_matrix<int8> shape{.terms = terms, .columns = 64, .scale_terms = GetParam()};
  auto panel = block_for(shape.panel_bytes());
  write_panel(shape, 64, weight, panel.data());
  for (index_t column = 0; column < 64; ++column) {
    for (index_t term = 0; term < terms; ++term) {
      float most = 0;
      const index_t first = term / together * together;
      for (index_t t = first; t < std::min(terms, first + together); ++t)
        most = std::max(most, std::abs(weight(t, column)));
      const float read = read_weight(shape, panel.data(), term, column);
      ASSERT_LE(std::abs(read - weight(term, column)), most / 254 * 1.0001f) << term << ' ' << column;
      if (std::abs(weight(term, column)) < most) continue;
      ASSERT_NEAR(read, weight(term, column), most * 1e-6f) << "the largest of a group is kept";
    }
  }
}
INSTANTIATE_TEST_SUITE_P(groups, eight_bits, ::testing::Values(0, 32, 64, 128, 256));

/// One column of given numbers, packed and read back.
std::vector<float> through_eight_bits(const std::vector<float>& numbers) {
  const panel_matrix<int8> shape{.terms = length(numbers), .columns = 1};
  auto panel = block_for(shape.panel_bytes());
  write_panel(
      shape, 1, [&](index_t term, index_t) { return numbers[to_size(term)]; }, panel.data());
  std::vector<float> read;
  for (index_t term = 0; term < length(numbers); ++term) read.push_back(read_weight(shape, panel.data(), term, 0));
  return read;
}

TEST(eight_bits, are_exact_for_whole_numbers_and_send_ties_to_the_even_one) {
  EXPECT_EQ(through_eight_bits({127, -127, 5, 0, -1}), (std::vector<float>{127, -127, 5, 0, -1}));
  EXPECT_EQ(through_eight_bits({127, 2.5f, 3.5f, -2.5f}), (std::vector<float>{127, 2, 4, -2}));
  EXPECT_EQ(through_eight_bits({0, -0.0f}), (std::vector<float>{0, 0}));
}

/// The smallest numbers have scales that are rounded roughly; nothing leaves the range of 8 bits for that.
TEST(eight_bits, survive_the_smallest_and_the_largest_numbers) {
  const float smallest = std::numeric_limits<float>::denorm_min(), large = std::numeric_limits<float>::max() / 2;
  EXPECT_EQ(through_eight_bits({smallest, -smallest}), (std::vector<float>{0, 0}));
  EXPECT_EQ(through_eight_bits({100 * smallest, -100 * smallest}),
            (std::vector<float>{100 * smallest, -100 * smallest}));
  EXPECT_NEAR(through_eight_bits({large, -large})[1] / large, -1.0f, 1e-6f);
}

/// A weight that is infinite or no number has no scale: the damage shows in every sum it enters, it is not hidden.
TEST(eight_bits, of_a_number_that_is_none_are_none) {
  for (const float odd : {std::nanf(""), infinite, -infinite}) {
    for (const std::vector<float>& numbers : {std::vector<float>{odd, 1}, {1, odd}, {1, odd, 2}}) {
      for (float read : through_eight_bits(numbers)) EXPECT_TRUE(std::isnan(read)) << odd;
    }
  }
}

}  // namespace
}  // namespace fissile
