// Tiles against double, for every stored number, number of tokens and instruction set; a token's sums have the same
// bits in every tile.
#include <fissile/pack/kernel/tile_table.hpp>

#include "pack/machine.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace fissile::kernel {
namespace {

TEST(tile_tables, run_any_number_of_tokens_as_the_next_larger_tile) {
  const std::array<index_t, 6> expected{1, 2, 4, 4, 6, 6};
  for (index_t tokens = 1; tokens <= most_tokens; ++tokens) {
    EXPECT_EQ(tile_table::tokens_at(tile_table::index_for(tokens)), expected[to_size(tokens - 1)]);
  }
}

/// A panel with its weights once more as double. T is float, bf16, f16, int8, or rounded_inputs: bf16 in pairs.
template <class T>
struct filled_panel {
  static constexpr bool pairs = std::same_as<T, bf16> || std::same_as<T, rounded_inputs>;
  std::vector<std::byte> bytes;
  std::vector<double> weights;  // [terms x 64]
  std::vector<float> scales = std::vector<float>(64, 1.0f);

  filled_panel(random_source& random, index_t terms) : weights(to_size(terms * 64)) {
    const index_t step_terms = pairs ? 2 : 1;
    bytes.resize(to_size((terms + 1) / step_terms * step_terms * 64 * 4));
    for (index_t term = 0; term < terms; ++term) {
      for (index_t column = 0; column < 64; ++column) {
        const index_t at = ((term / step_terms) * 64 + column) * step_terms + term % step_terms;
        put(random.normal(), at, weights[to_size(term * 64 + column)]);
      }
    }
    if (!std::same_as<T, int8>) return;
    for (float& scale : scales) scale = static_cast<float>(random.uniform());
  }
  void put(double value, index_t at, double& kept) {
    if constexpr (std::same_as<T, int8>) {
      const int8 number{static_cast<std::int8_t>(40 * std::clamp(value, -3.0, 3.0))};
      std::memcpy(bytes.data() + at, &number, 1);
      kept = number.bits;
    } else {
      using stored = std::conditional_t<pairs, bf16, T>;
      const auto number = testing::narrow<stored>(value);
      std::memcpy(bytes.data() + at * index_t{sizeof number}, &number, sizeof number);
      kept = widen<double>(number);
    }
  }
};

template <class T>
class tiles : public ::testing::Test {};
using kinds = ::testing::Types<float, bf16, f16, int8, rounded_inputs>;
TYPED_TEST_SUITE(tiles, kinds);

TYPED_TEST(tiles, add_the_products_of_every_token_with_the_same_bits_in_every_tile) {
  constexpr bool rounded = std::same_as<TypeParam, rounded_inputs>;
  random_source random{1};
  for (const index_t terms : {1, 2, 3, 32, 101}) {
    const filled_panel<TypeParam> panel{random, terms};
    const auto numbers = testing::random_numbers<bf16>(random, most_tokens * terms);  // exact in either type
    std::vector<float> wide;
    for (bf16 number : numbers) wide.push_back(to_float(number));
    const auto start = testing::random_numbers<float>(random, most_tokens * 64);
    for (const instruction_set set : testing::machine_sets()) {
      std::vector<float> alone;  // [6 x 64]: the sums of each token in the smallest tile
      for (const index_t tokens : {1, 2, 4, 6}) {
        std::vector<float> sums = start;
        for (index_t first = 0; first + tokens <= most_tokens; first += tokens) {
          const std::byte* in[most_tokens] = {};
          float* out[most_tokens] = {};
          for (index_t t = 0; t < tokens; ++t) {
            const index_t at = (first + t) * terms;
            in[t] = rounded ? reinterpret_cast<const std::byte*>(numbers.data() + at)
                            : reinterpret_cast<const std::byte*>(wide.data() + at);
            out[t] = sums.data() + (first + t) * 64;
          }
          tiles_for<TypeParam>(set).of[tile_table::index_for(tokens)](
              {panel.bytes.data(), terms, in, out, panel.scales.data(), panel.bytes.data(), 1});
        }
        if (tokens == 1) alone = sums;
        const index_t computed = most_tokens / tokens * tokens;
        ASSERT_EQ(std::memcmp(sums.data(), alone.data(), to_size(computed * 64) * sizeof(float)), 0)
            << name_of(set) << ", " << tokens << " tokens";
      }
      for (index_t t = 0; t < most_tokens; ++t) {
        for (index_t column = 0; column < 64; ++column) {
          double sum = 0, size = 0;
          for (index_t term = 0; term < terms; ++term) {
            const double product = panel.weights[to_size(term * 64 + column)] * wide[to_size(t * terms + term)];
            sum += product;
            size += std::abs(product);
          }
          const double scale = panel.scales[to_size(column)], begin = start[to_size(t * 64 + column)];
          ASSERT_NEAR(alone[to_size(t * 64 + column)], begin + scale * sum, 1e-6 * (std::abs(begin) + scale * size))
              << name_of(set) << ", " << terms << " terms";
        }
      }
    }
  }
}

}  // namespace
}  // namespace fissile::kernel
