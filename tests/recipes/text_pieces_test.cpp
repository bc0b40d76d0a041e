// A text is all of its pieces, and a piece is of one kind.
#include <fissile/recipes/text_pieces.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "support/random_text.hpp"

namespace fissile {
namespace text_pieces_tests {

using strings = std::vector<std::string_view>;

strings words_of(std::string_view text, word_rule rule) {
  strings words;
  for (const text_piece& p : pieces_of(text, rule)) {
    if (p.is_word()) words.push_back(p.bytes);
  }
  return words;
}

TEST(text_pieces, all_of_the_text_is_in_them) {
  random_source random{1};
  for (int round = 0; round < 1000; ++round) {
    std::string text = testing::random_text(random);
    if (round % 2 == 0) text.resize(to_size(random.below(length(text) + 1)));  // also in the middle of a character
    for (const word_rule rule : {word_rule::spaces, word_rule::spaces_and_ideographs}) {
      std::string joined;
      for (const text_piece& p : pieces_of(text, rule)) {
        ASSERT_FALSE(p.bytes.empty());
        ASSERT_EQ(p.kind == piece_kind::broken, !testing::is_valid(p.bytes));
        joined += p.bytes;
      }
      ASSERT_EQ(joined, text);
    }
  }
}

TEST(text_pieces, words_by_hand) {
  EXPECT_EQ(words_of("one, δύο\n我喜欢cats。x", word_rule::spaces), (strings{"one,", "δύο", "我喜欢cats。x"}));
  EXPECT_EQ(words_of("one, δύο\n我喜欢cats。x", word_rule::spaces_and_ideographs),
            (strings{"one,", "δύο", "我", "喜", "欢", "cats。x"}));
  EXPECT_EQ(words_of("a\u3000b\u2028c\u00a0d", word_rule::spaces), (strings{"a", "b", "c", "d"}));
  EXPECT_EQ(words_of(" ab\xff中 d", word_rule::spaces_and_ideographs), (strings{"d"}));
  EXPECT_TRUE(words_of("", word_rule::spaces).empty());
}

TEST(text_pieces, partners_are_of_one_line) {
  const std::vector<text_piece> pieces = pieces_of("a \tb\nc \xff d", word_rule::spaces);
  EXPECT_EQ(partner_of(pieces, 0), 3u);
  EXPECT_EQ(partner_of(pieces, 3), 3u);  // the line ends
  EXPECT_EQ(partner_of(pieces, 5), 5u);  // what follows is no word
  EXPECT_EQ(partner_of(pieces, 9), 9u);  // the text ends
}

TEST(text_pieces, characters_are_code_points) {
  EXPECT_EQ(characters_of("aé中😀e\u0301"), (strings{"a", "é", "中", "😀", "e", "\u0301"}));
  EXPECT_CONTRACT(characters_of("a\xff"));
}

TEST(text_pieces, alphabets_are_in_order_without_repeats) {
  EXPECT_EQ(alphabet_of(pieces_of("中b\u0301 ab\nb😀é \xffq", word_rule::spaces)),
            (strings{"a", "b", "é", "\u0301", "中", "😀"}));
}

}  // namespace text_pieces_tests
}  // namespace fissile
