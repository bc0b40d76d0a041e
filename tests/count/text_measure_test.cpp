// What a tokenizer makes of texts: exact counts, ratios, and texts that are no UTF-8.
#include <fissile/count/text_measure.hpp>

#include "base/refusal.hpp"
#include "support/random_text.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace fissile {
namespace text_measure_tests {

using testing::refusal;

TEST(text_measure, sizes_by_hand) {
  EXPECT_EQ(size_of_text("", 0), (text_size{.paragraphs = 1}));
  EXPECT_EQ(size_of_text("a b", 2), (text_size{.paragraphs = 1, .bytes = 3, .characters = 3, .tokens = 2}));
  // Greek: 2 bytes a letter; Chinese: 3; an emoji: 4; a letter and a combining accent: 1 + 2 bytes, two characters
  EXPECT_EQ(size_of_text("γάτα", 3), (text_size{.paragraphs = 1, .bytes = 8, .characters = 4, .tokens = 3}));
  EXPECT_EQ(size_of_text("小猫", 6), (text_size{.paragraphs = 1, .bytes = 6, .characters = 2, .tokens = 6}));
  EXPECT_EQ(size_of_text("😀", 1), (text_size{.paragraphs = 1, .bytes = 4, .characters = 1, .tokens = 1}));
  EXPECT_EQ(size_of_text("e\u0301", 1), (text_size{.paragraphs = 1, .bytes = 3, .characters = 2, .tokens = 1}));
  // a lead without its followers, a follower without its lead, a byte that is never any
  EXPECT_EQ(size_of_text("\xe5\xb0x\x80\xff", 5),
            (text_size{.paragraphs = 1, .bytes = 5, .characters = 1, .broken = 4, .tokens = 5}));
}

TEST(text_measure, every_byte_is_of_a_character_or_broken) {
  random_source random{81};
  const std::vector<std::string> parts{"a", " ", "\n", "é", "ж", "\u0301", "中", "가", "😀", "\xff", "\x80"};
  for (int trial = 0; trial < 200; ++trial) {
    std::string text;
    text_size made{.paragraphs = 1};
    for (index_t i = random.below(60); i > 0; --i) {
      const std::size_t part = to_size(random.below(length(parts)));
      text += parts[part];
      ++(part < 9 ? made.characters : made.broken);
    }
    made.bytes = text.size();
    EXPECT_EQ(size_of_text(text, 0), made);
  }
}

text_measure three_languages() {
  text_measure found{{.labels = {"en", "el", "zh"}, .corpus = "guide"}};
  found.add("en", "the cat", 2);
  found.add("en", "two cats", 3);
  found.add("el", "η γάτα", 6);
  found.add("el", "δύο γάτες", 9);
  return found;
}

TEST(text_measure, ratios_and_the_premium) {
  const text_measure found = three_languages();
  const text_size& greek = found.of("el");
  EXPECT_EQ(greek, (text_size{.paragraphs = 2, .bytes = 28, .characters = 15, .tokens = 15}));
  EXPECT_DOUBLE_EQ(greek.bytes_per_character(), 28.0 / 15);
  EXPECT_DOUBLE_EQ(greek.tokens_per_character(), 1);
  EXPECT_DOUBLE_EQ(greek.bytes_per_token(), 28.0 / 15);
  EXPECT_DOUBLE_EQ(greek.bytes_per_paragraph(), 14);
  EXPECT_DOUBLE_EQ(greek.tokens_per_paragraph(), 7.5);
  EXPECT_DOUBLE_EQ(found.premium("el", "en"), 3);
  EXPECT_DOUBLE_EQ(found.premium("en", "el"), 1.0 / 3);
  EXPECT_EQ(found.premium("en", "en"), 1);
  EXPECT_TRUE(std::isnan(found.of("zh").tokens_per_character()));
  EXPECT_TRUE(std::isnan(found.premium("zh", "zh")));
}

TEST(text_measure, a_premium_needs_as_many_paragraphs) {
  text_measure found = three_languages();
  found.add("zh", "小猫", 2);
  EXPECT_EQ(refusal<setting_error>([&] { found.premium("zh", "en"); }),
            "text_measure::premium: expected as many paragraphs in both, 2, got 1; texts that are no translations of "
            "each other have no premium");
}

TEST(text_measure, merging_is_exact) {
  random_source random{82};
  text_measure whole{{.labels = {"en", "el"}, .corpus = "guide"}}, first = whole;
  text_measure second{{.labels = {"en", "el"}, .corpus = "news"}};
  for (int i = 0; i < 100; ++i) {
    const std::string text = testing::random_text(random);
    const index_t tokens = random.below(20), label = random.below(2);
    whole.add(label, text, tokens);
    (random.below(2) == 0 ? first : second).add(label, text, tokens);
  }
  first.merge(second);
  EXPECT_EQ(first.of("en"), whole.of("en"));
  EXPECT_EQ(first.of("el"), whole.of("el"));
  EXPECT_EQ(first.corpus(), "guide + news");
  EXPECT_NE(first, whole) << "other corpora";
}

TEST(text_measure, refuses_what_cannot_be) {
  EXPECT_EQ(refusal<setting_error>([] { text_measure{{.labels = {}}}; }),
            "text_measure: labels: expected at least one label, none empty, each once, got none");
  text_measure found{{.labels = {"en"}}};
  EXPECT_EQ(refusal<setting_error>([&] { found.add("de", "x", 1); }),
            "label: expected one of en, got \"de\"; labels are fixed when counts are made");
  EXPECT_EQ(refusal<shape_error>([&] { found.merge(text_measure{{.labels = {"de"}}}); }),
            "text_measure::merge: expected the same 1 labels, got 1 labels, or others");
}

}  // namespace text_measure_tests
}  // namespace fissile
