// Windows hold the tokens of a block in order, and count each of its bytes once.
#include "samples.hpp"

#include "../engine/texts.hpp"

#include <gtest/gtest.h>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

/// A tokenizer with or without a begin token.
engine::tokenizer words_of(const char* begins) {
  tiny_model model;
  model.out.set("tokenizer.ggml.add_bos_token", std::string_view{begins} == "begins");
  const temporary_directory directory;
  model.out.save(directory / "words.gguf");
  return engine::tokenizer{gguf_file{directory / "words.gguf"}};
}

TEST(windows, are_the_tokens_of_the_block) {
  for (const char* begins : {"begins", "does not"}) {
    const engine::tokenizer words = words_of(begins);
    const index_t opening = words.words().begins ? 1 : 0;
    ASSERT_EQ(opening == 1, std::string_view{begins} == "begins");
    for (const std::string& content : texts()) {
      for (const index_t context : {2, 7, 24, 2000}) {
        std::vector<engine::token_id> joined;
        index_t bytes = 0;
        for (const window& one : windows_of(content, words, context)) {
          EXPECT_LE(length(one.tokens), context);
          EXPECT_EQ(one.tokens.size(), one.bytes.size());
          EXPECT_EQ(one.text_begin, opening);
          if (opening == 1) {
            EXPECT_EQ(one.tokens.front(), words.words().begin);
          }
          joined.insert(joined.end(), one.tokens.begin() + opening, one.tokens.end());
          for (const index_t size : one.bytes) bytes += size;
        }
        EXPECT_EQ(joined, words.encode(content));
        EXPECT_EQ(bytes, length(content)) << content;
      }
    }
  }
}

TEST(windows, score_all_bytes_behind_a_begin_token_and_all_but_the_first_without) {
  const std::string content = random_text(5, 100);
  const engine::tokenizer begins = words_of("begins"), plain = words_of("does not");
  EXPECT_EQ(scored_bytes(windows_of(content, begins, 11)), 100);
  index_t firsts = 0;
  const auto windows = windows_of(content, plain, 10);
  for (const window& one : windows) firsts += one.bytes.front();
  EXPECT_EQ(scored_bytes(windows), 100 - firsts);
  EXPECT_GT(firsts, 0);
}

TEST(windows, stay_within_their_block) {
  const engine::tokenizer words = words_of("does not");
  const std::string content = random_text(6, 3000);
  const auto blocks = blocks_of(content);
  std::size_t windows = 0;
  for (const std::string_view block : blocks) windows += windows_of(block, words, 24).size();
  EXPECT_EQ(windows_of(blocks, words, 24).size(), windows);
  expect_says(message_of<setting_error>([&] { windows_of(content, words_of("begins"), 1); }), {"context", "2"});
}

}  // namespace
