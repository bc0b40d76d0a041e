// Every byte is in one block; odd blocks and even ones share none.
#include "samples.hpp"

#include <gtest/gtest.h>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

TEST(blocks, together_are_the_text) {
  random_source random{1};
  for (int round = 0; round < 50; ++round) {
    const std::string content = random_text(random.bits(), random.below(5000));
    const auto blocks = blocks_of(content);
    std::string joined;
    for (const std::string_view block : blocks) joined += block;
    EXPECT_EQ(joined, content);
    for (std::size_t i = 0; i + 1 < blocks.size(); ++i) EXPECT_EQ(length(blocks[i]), block_bytes);
    EXPECT_TRUE(blocks.empty() || (!blocks.back().empty() && length(blocks.back()) <= block_bytes));
  }
}

TEST(blocks, halves_alternate_and_hold_the_bytes_asked_for) {
  random_source random{2};
  for (int round = 0; round < 200; ++round) {
    const text one{.language = "x", .origin = "x", .content = random_text(random.bits(), 1025 + random.below(9000))};
    const index_t bytes = 1 + random.below(6000);
    const halves cut = split_halves(one, bytes);
    const index_t wanted = (bytes + block_bytes - 1) / block_bytes;
    const auto place = [&](std::string_view block) { return block.data() - one.content.data(); };
    for (std::size_t i = 0; i < cut.counted.size(); ++i) {
      EXPECT_EQ(place(cut.counted[i]), 2 * static_cast<index_t>(i) * block_bytes);
    }
    for (std::size_t i = 0; i < cut.scored.size(); ++i) {
      EXPECT_EQ(place(cut.scored[i]), (2 * static_cast<index_t>(i) + 1) * block_bytes);
    }
    if (length(one.content) >= 2 * wanted * block_bytes) {
      EXPECT_EQ(cut.length, text_length::enough);
      EXPECT_EQ(bytes_of(cut.counted), wanted * block_bytes);
      EXPECT_EQ(bytes_of(cut.scored), wanted * block_bytes);
    } else {
      EXPECT_EQ(cut.length, text_length::short_of);
      EXPECT_EQ(bytes_of(cut.counted) + bytes_of(cut.scored), length(one.content)) << "used whole";
    }
  }
}

TEST(blocks, each_half_needs_one) {
  const text one{.language = "de", .origin = "kurz.txt", .content = random_text(1, 1024)};
  expect_says(message_of<setting_error>([&] { split_halves(one, 1); }), {"de", "kurz.txt", "1024 bytes"});
  const text two{.language = "de", .origin = "kurz.txt", .content = random_text(1, 1025)};
  EXPECT_EQ(bytes_of(split_halves(two, 1).scored), 1);
  expect_says(message_of<setting_error>([&] { split_halves(two, 0); }), {"--bytes", "at least 1"});
  EXPECT_EQ(split_halves(two, std::numeric_limits<index_t>::max()).length, text_length::short_of);
}

}  // namespace
