// Rows rounded to bf16: the very bits of to_bf16, in every instruction set, at every length, in place, too.
#include <fissile/pack/kernel/rounding.hpp>

#include "pack/machine.hpp"

#include <fissile/base/random.hpp>

#include <gtest/gtest.h>

#include <cstring>

namespace fissile::kernel {
namespace {

/// Every upper half, with lower halves below, at and above a tie; that includes NaN of both kinds and infinities.
std::vector<float> patterns() {
  std::vector<float> numbers;
  for (std::uint32_t upper = 0; upper < 0x10000u; ++upper) {
    for (const std::uint32_t lower : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      numbers.push_back(std::bit_cast<float>((upper << 16) | lower));
    }
  }
  return numbers;
}

TEST(round_to_bf16, gives_the_bits_of_to_bf16_for_every_kind_of_number) {
  const std::vector<float> numbers = patterns();
  for (const instruction_set set : testing::machine_sets()) {
    std::vector<bf16> rounded(numbers.size());
    round_to_bf16(set, numbers, rounded.data());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      ASSERT_EQ(rounded[i].bits, to_bf16(numbers[i]).bits) << name_of(set) << ", number " << i;
    }
  }
}

/// The hidden activations of a layer are rounded where they lie, and a row's neighbours are not touched.
TEST(round_to_bf16, works_in_place_at_every_length) {
  random_source random{1};
  for (const instruction_set set : testing::machine_sets()) {
    for (index_t count = 0; count < 70; ++count) {
      std::vector<float> row(to_size(count) + 4);
      for (float& number : row) number = static_cast<float>(random.normal());
      const std::vector<float> before = row;
      round_to_bf16(set, {row.data(), count}, reinterpret_cast<bf16*>(row.data()));
      for (index_t i = 0; i < count; ++i) {
        std::uint16_t bits = 0;
        std::memcpy(&bits, reinterpret_cast<const std::byte*>(row.data()) + 2 * i, sizeof bits);
        ASSERT_EQ(bits, to_bf16(before[to_size(i)]).bits) << name_of(set) << ", " << i << " of " << count;
      }
      for (std::size_t i = to_size(count); i < row.size(); ++i) ASSERT_EQ(row[i], before[i]) << "written past the end";
    }
  }
}

}  // namespace
}  // namespace fissile::kernel
