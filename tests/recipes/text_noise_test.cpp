// Noise never breaks UTF-8, keeps white space and what is not UTF-8, does nothing at rate 0 and all it can at rate 1.
#include <fissile/recipes/text_noise.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/refusal.hpp"
#include "support/random_text.hpp"

namespace fissile {
namespace text_noise_tests {

using op = character_operator;
using wop = word_operator;
using namespace testing;

const std::vector<op> all_characters = character_noise{}.operators;
const std::vector<wop> all_words = word_noise{}.operators;

/// `text` with one operator, or several, at every place they can strike.
std::string everywhere(std::string_view text, std::vector<op> operators, std::uint64_t seed = 0) {
  random_source random{seed};
  return character_noise{.rate = 1, .operators = std::move(operators)}(text, random).text;
}
std::string everywhere(std::string_view text, std::vector<wop> operators,
                       word_rule words = word_rule::spaces_and_ideographs) {
  random_source random{0};
  return word_noise{.rate = 1, .operators = std::move(operators), .words = words}(text, random).text;
}

TEST(text_noise, valid_text_stays_valid_and_white_space_stays) {
  random_source random{1};
  for (int round = 0; round < 2000; ++round) {
    const std::string text = random_text(random);
    const double rate = random.uniform();
    const std::string characters = character_noise{.rate = rate}(text, random).text;
    const std::string moved = word_noise{.rate = rate, .operators = {wop::drop, wop::swap}}(text, random).text;
    const std::string words = word_noise{.rate = rate}(text, random).text;
    ASSERT_TRUE(is_valid(characters) && is_valid(moved) && is_valid(words)) << text;
    ASSERT_EQ(whites(characters), whites(text));
    ASSERT_EQ(whites(moved), whites(text));
    ASSERT_EQ(line_ends(words), line_ends(text));
  }
}

TEST(text_noise, what_is_not_utf8_stays_whole) {
  const auto broken_runs = [](std::string_view text) {
    std::vector<std::string> broken;
    for (std::size_t begin = 0, end = 0; begin <= text.size(); begin = end + 1) {
      end = std::min(text.find_first_of(" \n", begin), text.size());
      const std::string_view run = text.substr(begin, end - begin);
      if (!is_valid(run)) broken.emplace_back(run);
    }
    return broken;
  };
  const std::vector<std::string> parts{"a",        "é",        "中",           "b",       "c",    " ",
                                       " ",        " ",        "\n",           "\xff",    "\xc3", "\xa9",
                                       "\xe4\xb8", "\xf0\x9f", "\xed\xa0\x80", "\xc0\xaf"};
  random_source random{2};
  std::size_t seen = 0;
  for (int round = 0; round < 2000; ++round) {
    const std::string text = joined_from(random, parts, 40);
    seen += broken_runs(text).size();
    ASSERT_EQ(broken_runs(character_noise{.rate = 0.7}(text, random).text), broken_runs(text));
    ASSERT_EQ(broken_runs(word_noise{.rate = 0.7}(text, random).text), broken_runs(text));
  }
  EXPECT_GT(seen, 1000u);
  EXPECT_EQ(everywhere("\xc3 x \xa9", {wop::drop}), "\xc3  \xa9");  // not an é
  EXPECT_EQ(everywhere("\xc3x\xa9", {op::remove}), "\xc3x\xa9");
}

TEST(text_noise, rate_0_changes_no_byte) {
  random_source random{3};
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_text(random) + (round % 2 == 0 ? "\xf0\x9f" : "");
    const noised_text characters = character_noise{.rate = 0}(text, random),
                      words = word_noise{.rate = 0}(text, random);
    ASSERT_EQ(characters.text, text);
    ASSERT_EQ(words.text, text);
    ASSERT_EQ(characters.count.struck + words.count.struck, 0u);
  }
}

TEST(text_noise, rate_1_strikes_at_every_place) {
  random_source random{4};
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_text(random) + "xy";
    const std::vector<std::string> before = blacks(text), other = blacks(everywhere(text, {op::substitute}));
    const std::vector<std::string> twice = blacks(everywhere(text, {op::insert}));
    ASSERT_EQ(before.size(), other.size());
    ASSERT_EQ(2 * before.size(), twice.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      ASSERT_NE(before[i], other[i]);
      ASSERT_NE(std::find(before.begin(), before.end(), other[i]), before.end());
      ASSERT_EQ(before[i], twice[2 * i]);
    }
    ASSERT_EQ(blacks(everywhere(text, {op::remove})).size() + blacks(everywhere(text, {wop::drop})).size(), 0u);
    const noise_count count = character_noise{.rate = 1}(text, random).count;
    ASSERT_EQ(count.places, count.struck);
  }
}

/// Struck and places over many seeds: each place is struck with probability `rate`, whatever the operators.
template <class Noise>
noise_count struck_in_bounds(const Noise& noise, std::string_view text) {
  noise_count sum;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    random_source random{seed};
    const noise_count one = noise(text, random).count;
    sum.places += one.places;
    sum.struck += one.struck;
  }
  const double n = static_cast<double>(sum.places), mean = n * noise.rate;
  EXPECT_LT(std::abs(static_cast<double>(sum.struck) - mean), 4 * std::sqrt(mean * (1 - noise.rate))) << noise.rate;
  EXPECT_GT(sum.struck, 0u);
  return sum;
}

TEST(text_noise, share_struck_is_the_rate) {
  const std::string text = "the quick brown fox\njumps αβγδε 中文字 over the lazy dog";
  for (const double rate : {0.02, 0.1, 0.5, 0.9}) {
    for (const op one : all_characters) struck_in_bounds(character_noise{.rate = rate, .operators = {one}}, text);
    for (const wop one : all_words) struck_in_bounds(word_noise{.rate = rate, .operators = {one}}, text);
    EXPECT_EQ(struck_in_bounds(word_noise{.rate = rate, .operators = {wop::drop}}, text).places, 400u * 13);
    struck_in_bounds(character_noise{.rate = rate}, text);
  }
}

TEST(text_noise, counts_are_what_one_sees) {
  random_source random{5};
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_text(random) + "xy";
    const std::vector<std::string> before = blacks(text);
    const noised_text other = character_noise{.rate = 0.3, .operators = {op::substitute}}(text, random);
    const noised_text fewer = character_noise{.rate = 0.3, .operators = {op::remove}}(text, random);
    const noised_text more = character_noise{.rate = 0.3, .operators = {op::insert}}(text, random);
    const std::vector<std::string> after = blacks(other.text);
    std::size_t differ = 0;
    for (std::size_t i = 0; i < before.size(); ++i) differ += before[i] != after[i] ? 1 : 0;
    ASSERT_EQ(other.count.struck, differ);
    ASSERT_EQ(other.count.places, before.size());
    ASSERT_EQ(fewer.count.struck, before.size() - blacks(fewer.text).size());
    ASSERT_EQ(more.count.struck, blacks(more.text).size() - before.size());
  }
}

TEST(text_noise, characters_by_hand) {
  EXPECT_EQ(everywhere("abcd e", {op::swap}), "badc e");
  EXPECT_EQ(everywhere("hello", {op::swap}), "ehlol");  // the two l are alike: no place
  EXPECT_EQ(everywhere("αβγ", {op::swap}), "βαγ");
  EXPECT_EQ(everywhere("中文字。", {op::swap}), "文中。字");
  EXPECT_EQ(everywhere("xe\u0301", {op::swap}), "ex\u0301");  // a combining mark is a character of its own
  EXPECT_EQ(everywhere("e\u0301", {op::substitute}), "\u0301e");
  EXPECT_EQ(everywhere("αβ", {op::substitute}), "βα");
  EXPECT_EQ(everywhere("aa a", {op::substitute}), "aa a");  // nothing else to put there
  EXPECT_EQ(everywhere("中", {op::insert}), "中中");
  EXPECT_EQ(everywhere("", all_characters), "");
  EXPECT_EQ(everywhere(" \r\n", all_characters), " \r\n");
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 64; ++seed) seen.insert(everywhere("αβ", {op::swap, op::remove}, seed));
  EXPECT_EQ(seen, (std::set<std::string>{"βα", ""}));  // behind a removed one, β has nothing to swap with
}

TEST(text_noise, words_by_hand) {
  EXPECT_EQ(everywhere("one two three", {wop::swap}), "two one three");
  EXPECT_EQ(everywhere("ένα \t δύο", {wop::swap}), "δύο \t ένα");
  EXPECT_EQ(everywhere("one\ntwo two", {wop::swap}), "one\ntwo two");  // another line, or alike
  EXPECT_EQ(everywhere("中文字", {wop::swap}), "文中字");
  EXPECT_EQ(everywhere("中文字", {wop::swap}, word_rule::spaces), "中文字");
  EXPECT_EQ(everywhere("ab 中cd", {wop::repeat}), "ab ab 中中cd cd");
  EXPECT_EQ(everywhere("中文 a", {wop::repeat}, word_rule::spaces), "中文 中文 a a");
  EXPECT_EQ(everywhere("cafe\u0301 x", {wop::repeat}), "cafe\u0301 cafe\u0301 x x");
  EXPECT_EQ(everywhere(" a  b\r\nc\n", {wop::drop}), "   \r\n\n");
}

TEST(text_noise, refusals) {
  random_source random{0};
  EXPECT_EQ(refusal<setting_error>([&] { character_noise{.rate = 1.5}("a", random); }),
            "character_noise: rate: expected 0 to 1, got 1.500000");
  EXPECT_EQ(refusal<setting_error>([&] { word_noise{.rate = 0, .operators = {}}("a", random); }),
            "word_noise: operators: expected at least one, got none; rate 0 turns noise off");
  EXPECT_THROW(word_noise{.rate = std::nan("")}("a", random), setting_error);
}

}  // namespace text_noise_tests
}  // namespace fissile
