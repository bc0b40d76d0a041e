// Texts cut into blocks of 1 KiB: the odd ones are counted, the even ones scored, so that nothing is scored on the text
// it was judged by.
#pragma once

#include "texts.hpp"

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::unravel {

inline constexpr index_t block_bytes = 1024;

/// Blocks 1, 2, ... of the text, the last one possibly shorter; together they are the text. A cut may fall within a
/// character.
inline std::vector<std::string_view> blocks_of(std::string_view content) {
  std::vector<std::string_view> blocks;
  for (std::size_t at = 0; at < content.size(); at += to_size(block_bytes)) {
    blocks.push_back(content.substr(at, to_size(block_bytes)));
  }
  return blocks;
}

/// `bytes` as whole blocks.
inline index_t blocks_for(index_t bytes) noexcept {
  return bytes / block_bytes + (bytes % block_bytes > 0 ? 1 : 0);
}

enum class text_length { enough, short_of };

/// Borrowed from the text.
struct halves {
  std::vector<std::string_view> counted;  // blocks 1, 3, 5 ...
  std::vector<std::string_view> scored;   // blocks 2, 4, 6 ...
  text_length length = text_length::enough;
};

inline index_t bytes_of(const std::vector<std::string_view>& blocks) noexcept {
  index_t bytes = 0;
  for (const std::string_view block : blocks) bytes += length(block);
  return bytes;
}

/// The first blocks of each half that hold `bytes`; all of a text that is too short for that. Throws setting_error
/// unless bytes >= 1 and each half gets a block.
inline halves split_halves(const text& from, index_t bytes) {
  if (bytes < 1) {
    fail<setting_error>({.argument = "--bytes", .expected = "at least 1", .got = std::to_string(bytes)});
  }
  const std::vector<std::string_view> blocks = blocks_of(from.content);
  if (blocks.size() < 2) {
    fail<setting_error>(
        {.argument = "text " + from.language + " (" + from.origin + ")",
         .expected = "more than " + std::to_string(block_bytes) + " bytes: one block to count and one to score",
         .got = std::to_string(from.content.size()) + " bytes"});
  }
  // Not 2 * blocks_for(bytes), which may not be a number: the text bounds it.
  const index_t half = std::min(blocks_for(bytes), length(blocks));
  halves made;
  for (index_t number = 1; number <= std::min(2 * half, length(blocks)); ++number) {
    (number % 2 == 1 ? made.counted : made.scored).push_back(blocks[to_size(number - 1)]);
  }
  const bool whole = blocks_for(bytes) <= length(blocks) &&
                     2 * blocks_for(bytes) * block_bytes <= static_cast<index_t>(from.content.size());
  made.length = whole ? text_length::enough : text_length::short_of;
  return made;
}

}  // namespace fissile::unravel
