#include <fissile/file/gguf/q8_0.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace fissile {
namespace {

TEST(q8_0, is_scale_times_byte) {
  std::vector<std::byte> blocks(2 * 34);
  const f16 scales[] = {to_f16(0.5f), to_f16(-0.001f)};
  for (int block = 0; block < 2; ++block) {
    std::memcpy(&blocks[static_cast<std::size_t>(block) * 34], &scales[block], 2);
    for (int i = 0; i < 32; ++i)
      blocks[static_cast<std::size_t>(block * 34 + 2 + i)] = static_cast<std::byte>(i * 8 - 128);
  }
  std::vector<float> numbers(64);
  widen_q8_0(blocks.data(), numbers.data(), 64);
  for (int i = 0; i < 64; ++i) {
    EXPECT_EQ(numbers[static_cast<std::size_t>(i)], to_float(scales[i / 32]) * static_cast<float>(i % 32 * 8 - 128));
  }
}

TEST(q8_0, nothing_is_nothing) {
  widen_q8_0(nullptr, nullptr, 0);
}

}  // namespace
}  // namespace fissile
