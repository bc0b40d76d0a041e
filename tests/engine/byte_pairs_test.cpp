#include <engine/tokenizer.hpp>

#include "../file/shared_model.hpp"
#include "../file/temporary.hpp"
#include "texts.hpp"

namespace fissile::engine {
namespace {

using testing::expect_says;
using testing::message_of;

/// How the kind of vocabulary spells a byte.
std::string spelled(unsigned byte) {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> made;
    unsigned other = 256;
    for (unsigned b = 0; b < 256; ++b) {
      const bool printable = (b > 32 && b < 127) || (b > 160 && b != 173);
      const unsigned letter = printable ? b : other++;
      std::string text;
      if (letter >= 128) text += static_cast<char>(0xc0 | (letter >> 6));
      text += static_cast<char>(letter < 128 ? letter : 0x80 | (letter & 63));
      made.push_back(text);
    }
    return made;
  }();
  return all[byte];
}

gguf_writer small_vocabulary(const std::vector<std::string>& words, const std::vector<std::string>& merges) {
  std::vector<std::string> texts;
  for (unsigned byte = 0; byte < 256; ++byte) texts.push_back(spelled(byte));
  texts.insert(texts.end(), words.begin(), words.end());
  texts.emplace_back("<|endoftext|>");
  std::vector<std::int32_t> kinds(texts.size(), 1);
  kinds.back() = 3;
  gguf_writer out;
  out.set("tokenizer.ggml.model", "gpt2");
  out.set("tokenizer.ggml.tokens", texts);
  out.set("tokenizer.ggml.token_type", kinds);
  out.set("tokenizer.ggml.pre", "gpt-2");
  out.set("tokenizer.ggml.merges", merges);
  out.set("tokenizer.ggml.bos_token_id", static_cast<std::uint32_t>(texts.size() - 1));
  return out;
}

tokenizer read_back(const gguf_writer& out) {
  const testing::temporary_directory directory;
  out.save(directory / "words.gguf");
  return tokenizer{gguf_file{directory / "words.gguf"}};
}

std::vector<std::string> pieces(const tokenizer& words, std::string_view text) {
  std::vector<std::string> all;
  for (const token_id token : words.encode(text)) all.push_back(words.piece(token));
  return all;
}

using list = std::vector<std::string>;
const std::string space = "\xc4\xa0";  // U+0120

TEST(byte_pairs, without_merges_every_byte_is_a_token) {
  const tokenizer words = read_back(small_vocabulary({}, {}));
  for (const std::string& text : testing::texts()) {
    const std::vector<token_id> tokens = words.encode(text);
    ASSERT_EQ(tokens.size(), text.size());
    for (std::size_t i = 0; i < text.size(); ++i) EXPECT_EQ(tokens[i], static_cast<unsigned char>(text[i]));
    EXPECT_EQ(words.decode(tokens), text);
    EXPECT_EQ(words.prompt(text), tokens);  // nothing is put before unless the file asks for it
  }
}

TEST(byte_pairs, lower_ranks_join_first_and_the_leftmost_of_equals) {
  const tokenizer words =
      read_back(small_vocabulary({"ab", "bc", "abc", "aa", space + "a"}, {"b c", "a b", "a bc", "a a", space + " a"}));
  EXPECT_EQ(pieces(words, "abc"), (list{"abc"}));
  EXPECT_EQ(pieces(words, "abab"), (list{"ab", "ab"}));
  EXPECT_EQ(pieces(words, "aaa"), (list{"aa", "a"}));
  EXPECT_EQ(pieces(words, "x a"), (list{"x", " a"}));
  for (const std::string& text : testing::texts()) EXPECT_EQ(words.decode(words.encode(text)), text);
}

TEST(byte_pairs, does_not_join_across_words) {
  const list merges{"a " + space, "l l", "' ll", "1 a", "a !", space + " " + space, space + space + " a", "a a"};
  const tokenizer words = read_back(
      small_vocabulary({"a" + space, "ll", "'ll", "1a", "a!", space + space, space + space + "a", "aa"}, merges));
  EXPECT_EQ(pieces(words, "a a"), (list{"a", " ", "a"}));
  EXPECT_EQ(pieces(words, "a'lla"), (list{"a", "'ll", "a"}));
  EXPECT_EQ(pieces(words, "1a!"), (list{"1", "a", "!"}));
  EXPECT_EQ(pieces(words, "a   a"), (list{"a", "  ", " ", "a"}));  // the last space belongs to the word
  EXPECT_EQ(pieces(words, "a  "), (list{"a", "  "}));
}

TEST(byte_pairs, a_merge_whose_result_is_no_token_becomes_bytes) {
  const tokenizer words = read_back(small_vocabulary({}, {"a b"}));
  EXPECT_EQ(pieces(words, "ab"), (list{"a", "b"}));
}

TEST(byte_pairs, control_tokens_are_silent_and_put_before_when_asked) {
  gguf_writer file = small_vocabulary({}, {});
  file.set("tokenizer.ggml.add_bos_token", true);
  const tokenizer words = read_back(file);
  EXPECT_EQ(words.prompt("a"), (std::vector<token_id>{256, 'a'}));
  EXPECT_EQ(words.piece(256), "");
}

TEST(byte_pairs, broken_vocabularies_are_refused) {
  gguf_writer file = small_vocabulary({}, {});
  file.set("tokenizer.ggml.tokens", std::vector<std::string>(257, "x"));
  expect_says(message_of<file_error>([&] { read_back(file); }), {"tokenizer.ggml.tokens", "none for byte 0"});
  gguf_writer other = small_vocabulary({"ab"}, {"a b"});
  other.set("tokenizer.ggml.pre", "llama-bpe");
  expect_says(message_of<file_error>([&] { read_back(other); }), {"tokenizer.ggml.pre", "got llama-bpe"});
}

TEST(byte_pairs, a_real_vocabulary) {
  FISSILE_NEEDS_MODEL(path, "trial.gguf");
  const tokenizer words{gguf_file{path}};
  for (const std::string& text : testing::texts()) {
    EXPECT_EQ(words.encode(text).size(), text.size());
    EXPECT_EQ(words.decode(words.encode(text)), text);
  }
}

}  // namespace
}  // namespace fissile::engine
