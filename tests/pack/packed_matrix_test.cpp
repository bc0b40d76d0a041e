// A packed matrix times tokens: against double in every storage and instruction set, and the same bits however it is
// called.
#include <fissile/base/thread_pool.hpp>
#include <fissile/pack/packed_matrix.hpp>

#include "base/refusal.hpp"
#include "pack/machine.hpp"
#include "support/random_ffn.hpp"

#include <array>
#include <cmath>
#include <cstring>

namespace fissile {
namespace {

using testing::random_numbers;

template <class T>
using source_of = unpacked_element<T>;

/// The numbers that panels of T stand for. [outputs x inputs]
template <class T>
std::vector<double> stored_numbers(const std::vector<source_of<T>>& rows, index_t inputs, index_t together) {
  std::vector<double> numbers;
  for (source_of<T> number : rows) numbers.push_back(widen<double>(number));
  if constexpr (std::same_as<T, int8>) {  // quantised here once more, straight from the formula
    const index_t outputs = length(rows) / inputs;
    for (index_t row = 0; row < outputs; ++row) {
      for (index_t first = 0; first < inputs; first += together) {
        const auto begin = numbers.begin() + row * inputs + first, end = begin + std::min(together, inputs - first);
        double most = 0;
        for (auto at = begin; at != end; ++at) most = std::max(most, std::abs(*at));
        const float scale = static_cast<float>(most) / 127.0f;
        for (auto at = begin; at != end; ++at) {
          *at = static_cast<double>(std::nearbyint(static_cast<float>(*at) / scale)) * static_cast<double>(scale);
        }
      }
    }
  }
  return numbers;
}

template <class T>
class packed_matrices : public ::testing::Test {};
using kinds = ::testing::Types<float, bf16, f16, int8>;
TYPED_TEST_SUITE(packed_matrices, kinds);

TYPED_TEST(packed_matrices, multiply_tokens_and_add_to_what_was_there) {
  using T = TypeParam;
  random_source random{1};
  for (int trial = 0; trial < 24; ++trial) {
    const index_t outputs = 1 + random.below(150), tokens = random.below(15);
    const index_t inputs = trial % 6 == 0 ? 500 + random.below(700) : 1 + random.below(80);  // several blocks
    const index_t scale = std::array<index_t, 5>{0, 32, 64, 128, 256}[to_size(random.below(5))];
    const auto rows = random_numbers<source_of<T>>(random, outputs * inputs);
    const auto numbers = stored_numbers<T>(rows, inputs, scale == 0 ? inputs : scale);
    const index_t stride = outputs + random.below(5);
    const auto x = random_numbers<float>(random, tokens * (inputs + 2));
    const auto start = random_numbers<float>(random, tokens * stride);
    for (const instruction_set set : testing::machine_sets()) {
      const packed_matrix<T> matrix{matrix_view<const source_of<T>>{rows.data(), outputs, inputs},
                                    {.instructions = set, .weights_per_scale = std::same_as<T, int8> ? scale : 0}};
      ASSERT_EQ(matrix.inputs(), inputs);
      ASSERT_EQ(matrix.outputs(), outputs);
      std::vector<float> y(start.size(), std::nanf("")), sum = start;
      const matrix_view<const float> in{x.data(), tokens, inputs, inputs + 2};
      matrix(in, {y.data(), tokens, outputs, stride});
      matrix.accumulate(in, {sum.data(), tokens, outputs, stride});
      for (index_t at = 0; at < tokens * stride; ++at) {
        const index_t token = at / stride, row = at % stride;
        if (row >= outputs) {
          ASSERT_TRUE(std::isnan(y[to_size(at)]) && sum[to_size(at)] == start[to_size(at)]) << "between the rows";
          continue;
        }
        double exact = 0, size = 0;
        for (index_t i = 0; i < inputs; ++i) {
          const double product = numbers[to_size(row * inputs + i)] * static_cast<double>(in(token, i));
          exact += product;
          size += std::abs(product);
        }
        ASSERT_NEAR(y[to_size(at)], exact, 2e-6 * size) << name_of(set) << ", trial " << trial;
        const double begin = start[to_size(at)];
        ASSERT_NEAR(sum[to_size(at)], begin + exact, 2e-6 * (size + std::abs(begin))) << name_of(set);
      }
    }
  }
}

TYPED_TEST(packed_matrices, give_a_token_the_same_bits_in_any_batch_and_on_any_threads) {
  using T = TypeParam;
  random_source random{2};
  thread_pool pools[] = {thread_pool{1}, thread_pool{2}, thread_pool{3}, thread_pool{4}};
  for (int trial = 0; trial < 10; ++trial) {
    const index_t outputs = 1 + random.below(600), inputs = 1 + random.below(trial == 0 ? 1200 : 60), tokens = 40;
    const auto rows = random_numbers<source_of<T>>(random, outputs * inputs);
    const auto x = random_numbers<float>(random, tokens * inputs);
    for (const instruction_set set : testing::machine_sets()) {
      const packed_matrix<T> matrix{matrix_view<const source_of<T>>{rows.data(), outputs, inputs},
                                    {.instructions = set}};
      std::vector<float> whole(to_size(tokens * outputs));
      matrix({x.data(), tokens, inputs}, {whole.data(), tokens, outputs});
      for (thread_pool& pool : pools) {
        std::vector<float> parts(whole.size());
        for (index_t first = 0; first < tokens;) {
          const index_t count = std::min(tokens - first, 1 + random.below(13));
          matrix({x.data() + first * inputs, count, inputs}, {parts.data() + first * outputs, count, outputs}, pool);
          first += count;
        }
        ASSERT_EQ(std::memcmp(parts.data(), whole.data(), whole.size() * sizeof(float)), 0)
            << name_of(set) << ", " << pool.threads() << " threads, trial " << trial;
      }
    }
  }
}

TEST(packed_matrix, is_deduced_and_moves) {
  const std::vector<float> rows{1, 2, 3, 4, 5, 6};
  packed_matrix first{matrix_view<const float>{rows.data(), 2, 3}};
  static_assert(std::same_as<decltype(first), packed_matrix<float>>);
  const packed_matrix second = std::move(first);
  const std::vector<float> x{1, 0, -1};
  std::vector<float> y(2);
  second(vector_view<const float>{x}, vector_view<float>{y});
  EXPECT_EQ(y, (std::vector<float>{-2, -2}));
  EXPECT_EQ(second.bytes(), 3 * 64 * 4);
}

TEST(packed_matrix, refuses_an_empty_matrix_and_settings_of_layers) {
  const std::vector<bf16> rows(6);
  EXPECT_EQ(testing::refusal<shape_error>([] { packed_matrix<float>{matrix_view<const float>{}}; }),
            "packed_matrix: matrix: expected at least one row and one column, got [0 x 0] without memory");
  EXPECT_EQ(testing::refusal<shape_error>([] {
              packed_matrix<float>{matrix_view<const float>{nullptr, 2, 3}};
            }),
            "packed_matrix: matrix: expected at least one row and one column, got [2 x 3] without memory");
  EXPECT_EQ(testing::refusal<shape_error>([&] {
              packed_matrix<bf16>{matrix_view<const bf16>{rows.data(), 0, 3}};
            }),
            "packed_matrix: matrix: expected at least one row and one column, got [0 x 3]");
  const matrix_view<const bf16> matrix{rows.data(), 2, 3};
  EXPECT_EQ(testing::refusal<setting_error>([&] {
              packed_matrix<bf16>{matrix, {.products = products::bf16_dot}};
            }),
            "packed_matrix: products: expected products::exact, got products::bf16_dot");
  EXPECT_EQ(testing::refusal<setting_error>([&] {
              packed_matrix<int8>{matrix, {.weights_per_scale = 33}};
            }),
            "pack: weights_per_scale: expected 32, 64, 128, 256, or 0 for all of a sum, got 33");
}

TEST(packed_matrix_death, ends_the_program_when_shapes_do_not_fit) {
  const std::vector<float> rows(6), x(9);
  std::vector<float> y(9);
  const packed_matrix matrix{matrix_view<const float>{rows.data(), 2, 3}};
  EXPECT_CONTRACT(matrix({x.data(), 2, 4}, {y.data(), 2, 2}));
  EXPECT_CONTRACT(matrix({x.data(), 2, 3}, {y.data(), 2, 3}));
  EXPECT_CONTRACT(matrix.accumulate({x.data(), 2, 3}, {y.data(), 3, 2}));
  EXPECT_CONTRACT(matrix({y.data(), 2, 3}, {y.data() + 5, 2, 2}));  // they overlap
}

}  // namespace
}  // namespace fissile
