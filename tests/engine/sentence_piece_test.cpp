#include <engine/tokenizer.hpp>

#include "../file/shared_model.hpp"
#include "../file/temporary.hpp"
#include "texts.hpp"

#include <cstdio>

namespace fissile::engine {
namespace {

using testing::expect_says;
using testing::message_of;

/// Bytes and a few words, each with its score.
gguf_writer small_vocabulary() {
  std::vector<std::string> texts{"<unk>", "<s>", "</s>"};
  std::vector<std::int32_t> kinds{2, 3, 3};
  std::vector<float> scores{0, 0, 0};
  for (unsigned byte = 0; byte < 256; ++byte) {
    char text[8];
    std::snprintf(text, sizeof text, "<0x%02X>", byte);
    texts.emplace_back(text);
    kinds.push_back(6);
    scores.push_back(0);
  }
  const std::pair<const char*, float> words[] = {{"\xe2\x96\x81", -9},
                                                 {"a", -9},
                                                 {"b", -9},
                                                 {"c", -9},
                                                 {"ab", -2},
                                                 {"bc", -1},
                                                 {"abc", -5},
                                                 {"aa", -3},
                                                 {"\xe2\x96\x81"
                                                  "a",
                                                  -4},
                                                 {"\xc3\xa9", -9}};
  for (const auto& [text, score] : words) {
    texts.emplace_back(text);
    kinds.push_back(1);
    scores.push_back(score);
  }
  gguf_writer out;
  out.set("tokenizer.ggml.model", "llama");
  out.set("tokenizer.ggml.tokens", texts);
  out.set("tokenizer.ggml.token_type", kinds);
  out.set("tokenizer.ggml.scores", scores);
  out.set("tokenizer.ggml.bos_token_id", 1);
  out.set("tokenizer.ggml.eos_token_id", 2);
  return out;
}

tokenizer read_pieces(const gguf_writer& out) {
  const testing::temporary_directory directory;
  out.save(directory / "words.gguf");
  return tokenizer{gguf_file{directory / "words.gguf"}};
}

std::vector<std::string> pieces_of(const tokenizer& words, std::string_view text) {
  std::vector<std::string> all;
  for (const token_id token : words.encode(text)) all.push_back(words.words().text(token));
  return all;
}

using list = std::vector<std::string>;

TEST(sentence_piece, joins_the_best_score_first_and_the_leftmost_of_equals) {
  gguf_writer file = small_vocabulary();
  file.set("tokenizer.ggml.add_space_prefix", false);
  const tokenizer words = read_pieces(file);
  EXPECT_EQ(pieces_of(words, "abc"), (list{"abc"}));  // b and c, then a
  EXPECT_EQ(pieces_of(words, "aaa"), (list{"aa", "a"}));
  EXPECT_EQ(pieces_of(words, "aab"), (list{"a", "ab"}));
  EXPECT_EQ(pieces_of(words, ""), list{});
}

TEST(sentence_piece, spaces_are_visible_and_one_is_put_before) {
  const tokenizer words = read_pieces(small_vocabulary());
  EXPECT_EQ(pieces_of(words, "ab a"), (list{"\xe2\x96\x81", "ab",
                                            "\xe2\x96\x81"
                                            "a"}));
  EXPECT_EQ(words.decode(words.encode("ab a")), "ab a");
  EXPECT_EQ(words.decode(words.encode(" a")), " a");
}

TEST(sentence_piece, what_is_no_token_becomes_its_bytes) {
  const tokenizer words = read_pieces(small_vocabulary());
  EXPECT_EQ(pieces_of(words, "\xc3\xa9\xc3\xa8"), (list{"\xe2\x96\x81", "\xc3\xa9", "<0xC3>", "<0xA8>"}));
  EXPECT_EQ(words.piece(3 + 0xe2), "\xe2");
}

TEST(sentence_piece, every_text_comes_back) {
  const tokenizer words = read_pieces(small_vocabulary());
  for (const std::string& text : testing::texts()) EXPECT_EQ(words.decode(words.encode(text)), text);
}

TEST(sentence_piece, prompts_begin_and_end_as_the_file_says) {
  EXPECT_EQ(read_pieces(small_vocabulary()).prompt("a").front(), 1);  // where it says nothing
  EXPECT_NE(read_pieces(small_vocabulary()).prompt("a").back(), 2);
  gguf_writer other = small_vocabulary();
  other.set("tokenizer.ggml.add_bos_token", false);
  other.set("tokenizer.ggml.add_eos_token", true);
  EXPECT_NE(read_pieces(other).prompt("a").front(), 1);
  EXPECT_EQ(read_pieces(other).prompt("a").back(), 2);
  other.set("tokenizer.ggml.eos_token_id", ~std::uint32_t{0});  // "none" of some files
  EXPECT_NE(read_pieces(other).prompt("a").back(), 2);
  EXPECT_EQ(read_pieces(other).piece(1), "");
}

TEST(sentence_piece, broken_vocabularies_are_refused) {
  gguf_writer file = small_vocabulary();
  file.set("tokenizer.ggml.scores", std::vector<float>{1, 2});
  expect_says(message_of<file_error>([&] { read_pieces(file); }), {"tokenizer.ggml.scores", "269 scores", "got 2"});
  file.set("tokenizer.ggml.token_type", std::vector<std::int32_t>{1});
  expect_says(message_of<file_error>([&] { read_pieces(file); }), {"tokenizer.ggml.token_type", "269 kinds", "got 1"});
  file.set("tokenizer.ggml.model", "bert");
  expect_says(message_of<file_error>([&] { read_pieces(file); }), {"tokenizer.ggml.model", "llama or gpt2, got bert"});
}

TEST(sentence_piece, a_real_vocabulary) {
  FISSILE_NEEDS_MODEL(path, "stories260K.gguf");
  const tokenizer words{gguf_file{path}};
  for (const std::string& text : testing::texts()) EXPECT_EQ(words.decode(words.encode(text)), text);
  EXPECT_EQ(pieces_of(words, "Once upon a time"), (list{"\xe2\x96\x81Once", "\xe2\x96\x81upon",
                                                        "\xe2\x96\x81"
                                                        "a",
                                                        "\xe2\x96\x81time"}));
  EXPECT_EQ(words.prompt("Once").front(), 1);
}

/// Files that tell no kinds: bytes are known by how they are written, and none is lost.
TEST(sentence_piece, bytes_are_found_by_their_text) {
  gguf_writer file;
  file.set("tokenizer.ggml.model", "llama");
  file.set("tokenizer.ggml.tokens", std::vector<std::string>{"a", "<0x0A>", "<0xC3>", "<0xA9>",
                                                             "\xe2\x96\x81"
                                                             "a"});
  file.set("tokenizer.ggml.scores", std::vector<float>{-2, 0, 0, 0, -1});
  const tokenizer words = read_pieces(file);
  EXPECT_EQ(pieces_of(words, "a\n\xc3\xa9"), (list{"\xe2\x96\x81"
                                                   "a",
                                                   "<0x0A>", "<0xC3>", "<0xA9>"}));
  EXPECT_EQ(words.decode(words.encode("a\n\xc3\xa9")), "a\n\xc3\xa9");
  expect_says(message_of<file_error>([&] { words.encode("z"); }), {"tokenizer.ggml.tokens", "byte 226"});
}

}  // namespace
}  // namespace fissile::engine
