// Rows of length one, and the hidden activations of such rows for tokens of length one.
#include <fissile/weights/unit_rows.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

TEST(unit_rows, have_length_one_and_keep_their_direction) {
  random_source random{1};
  for (int trial = 0; trial < 30; ++trial) {
    const auto ffn = testing::random_ffn<bf16>(random, testing::random_shape(random));
    const std::vector<index_t> neurons{ffn.neurons - 1, 0};
    const unit_rows rows = unit_rows_of(ffn.view(), neurons);
    ASSERT_EQ(rows.neurons(), 2);
    ASSERT_EQ(rows.gate.empty(), ffn.gate.empty());
    for (index_t j = 0; j < 2; ++j) {
      double length = 0, along = 0, stored = 0;
      for (index_t i = 0; i < ffn.width; ++i) {
        const auto unit = static_cast<double>(rows.view().up(j, i));
        const auto weight = widen<double>(ffn.view().up(neurons[to_size(j)], i));
        length += unit * unit;
        stored += weight * weight;
        along += unit * weight;
      }
      ASSERT_NEAR(length, 1, 1e-5);
      ASSERT_NEAR(along, std::sqrt(stored), 1e-5);
    }
  }
}

TEST(unit_rows, of_zeros_stay_zeros) {
  const owned_ffn<float> ffn{.width = 2, .neurons = 1, .gate = {0, 0}, .up = {3, -4}, .down = {1, 1}};
  const unit_rows rows = unit_rows_of(ffn.view());
  EXPECT_EQ(rows.gate, (std::vector<float>{0, 0}));
  EXPECT_FLOAT_EQ(rows.up[0], 0.6f);
  EXPECT_FLOAT_EQ(rows.up[1], -0.8f);
}

TEST(unit_rows, whose_squares_are_no_floats_are_scaled_all_the_same) {
  for (const float size : {1e-40f, 1e-23f, 1e20f, 1e38f}) {
    std::vector<float> row{3 * size, 0, -size};
    scale_to_unit(row);
    EXPECT_NEAR(row[0], 3 / std::sqrt(10.0), 1e-4) << size;  // below 1e-38 floats have few digits
    EXPECT_EQ(row[1], 0) << size;
    EXPECT_NEAR(row[2], -1 / std::sqrt(10.0), 1e-4) << size;
  }
}

/// As CMoE's code has it: normalised tokens times normalised rows, in double here.
TEST(unit_hidden, equals_plain_code) {
  random_source random{2};
  for (int trial = 0; trial < 30; ++trial) {
    const auto ffn = testing::random_ffn<float>(random, testing::random_shape(random));
    const index_t tokens = 1 + random.below(2 * lanes + 3);
    const auto x = testing::random_numbers<float>(random, tokens * ffn.width, std::exp(random.normal()));
    std::vector<float> hidden(to_size(tokens * ffn.neurons));
    const matrix_view<const float> in{x.data(), tokens, ffn.width};
    unit_hidden(unit_rows_of(ffn.view()), silu{}, in, {hidden.data(), tokens, ffn.neurons});
    const auto cosine = [&](matrix_view<const float> rows, index_t j, index_t token) {
      double dot = 0, row = 0, own = 0;
      for (index_t i = 0; i < ffn.width; ++i) {
        const double weight = rows(j, i), number = in(token, i);
        dot += weight * number;
        row += weight * weight;
        own += number * number;
      }
      return dot / std::sqrt(row * own);
    };
    for (index_t token = 0; token < tokens; ++token) {
      for (index_t j = 0; j < ffn.neurons; ++j) {
        const double up = cosine(ffn.view().up, j, token);
        const double expected = ffn.gate.empty() ? silu{}(up) : silu{}(cosine(ffn.view().gate, j, token)) * up;
        ASSERT_NEAR(hidden[to_size(token * ffn.neurons + j)], expected, 1e-5);
      }
    }
  }
}

TEST(unit_hidden, of_a_token_that_is_no_number_is_none_and_harms_no_other) {
  random_source random{3};
  const auto ffn = testing::random_ffn<float>(random, {.width = 4, .neurons = 5});
  auto x = testing::random_numbers<float>(random, 3 * 4);
  const unit_rows rows = unit_rows_of(ffn.view());
  std::vector<float> before(15), after(15);
  unit_hidden(rows, silu{}, {x.data(), 3, 4}, {before.data(), 3, 5});
  x[5] = std::numeric_limits<float>::quiet_NaN();
  unit_hidden(rows, silu{}, {x.data(), 3, 4}, {after.data(), 3, 5});
  for (index_t j = 0; j < 5; ++j) {
    EXPECT_EQ(after[to_size(j)], before[to_size(j)]);
    EXPECT_TRUE(std::isnan(after[to_size(5 + j)]));
    EXPECT_EQ(after[to_size(10 + j)], before[to_size(10 + j)]);
  }
}

}  // namespace
}  // namespace fissile
