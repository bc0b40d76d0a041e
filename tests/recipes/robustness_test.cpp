// The levels of noise are what they are made of, a seed means the same text everywhere, and the matrix of transfer.
#include <fissile/recipes/robustness.hpp>

#include <gtest/gtest.h>

namespace fissile {
namespace robustness_tests {

using robustness::noise_level;
using robustness::noised;

const std::string text =
    "The quick brown fox\njumps over the lazy dog. Η γάτα κοιμάται.\n我喜欢小猫和小狗。 😀 cafe\u0301\n";

std::string seeded(noise_level level, std::uint64_t seed) {
  random_source random{seed};
  return noised(text, {.level = level, .characters = {.rate = 0.15}, .words = {.rate = 0.3}}, random).text;
}

TEST(robustness, a_seed_means_the_same_text_everywhere) {
  EXPECT_EQ(seeded(noise_level::character, 7),
            "Tue qui brown fox\njmps voer thbe lzy dog.猫 Η γάτα κιιμάται.\n我喜欢小猫和小狗。  cafe\u0301\n");
  EXPECT_EQ(seeded(noise_level::word, 7),
            "The  brown fox\nover jumps the lazy lazy Η dog. γάτα κοιμάται.\n我喜欢小猫和小狗狗。 😀 cafe\u0301\n");
  EXPECT_EQ(
      seeded(noise_level::multi, 7),
      "hTe  broιwn ox\noverx jumps t。e lazy lazy Η dog. γάτsα κοιμάται.\n喜我欢小猫和小狗e狗。 😀r cafde\u0301\n");
  EXPECT_NE(seeded(noise_level::multi, 7), seeded(noise_level::multi, 8));
}

TEST(robustness, a_level_is_what_its_name_says) {
  const robustness::choices chosen{.characters = {.rate = 0.3}, .words = {.rate = 0.2}};
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    random_source by_hand{seed}, random{seed};
    const noised_text words = chosen.words(text, by_hand), both = chosen.characters(words.text, by_hand);
    const robustness::noised_sample multi = noised(text, chosen, random);
    EXPECT_EQ(multi.text, both.text);
    EXPECT_EQ(multi.words.struck, words.count.struck);
    EXPECT_EQ(multi.characters.places, both.count.places);
    random_source first{seed}, again{seed};
    robustness::choices one = chosen;
    one.level = noise_level::word;
    EXPECT_EQ(noised(text, one, first).text, words.text);
    one.level = noise_level::character;
    const robustness::noised_sample characters = noised(text, one, again);
    random_source alone{seed};
    EXPECT_EQ(characters.text, chosen.characters(text, alone).text);
    EXPECT_EQ(characters.words.places, 0u);
  }
}

TEST(robustness, rate_0_is_no_noise_at_every_level) {
  random_source random{3};
  for (const noise_level level : {noise_level::character, noise_level::word, noise_level::multi}) {
    const robustness::choices none{.level = level, .characters = {.rate = 0}, .words = {.rate = 0}};
    EXPECT_EQ(noised(text + "\xff", none, random).text, text + "\xff") << to_string(level);
  }
}

TEST(robustness, transfer_by_hand) {
  const robustness::transfer_entry entry{.trained = "en",
                                         .measured = "de",
                                         .level = noise_level::word,
                                         .before = {.clean = 2, .noised = 3.5},
                                         .after = {.clean = 2.25, .noised = 2.5}};
  EXPECT_EQ(entry.before.damage(), 1.5);
  EXPECT_EQ(entry.after.damage(), 0.25);
  EXPECT_EQ(entry.transfer(), 1);
  EXPECT_EQ(entry.clean_gain(), -0.25);
  EXPECT_EQ(entry.repaired(), 1.25);
  EXPECT_EQ(entry.repaired(), entry.transfer() - entry.clean_gain());
  EXPECT_EQ(robustness::transfer_entry{}.transfer(), 0);
  EXPECT_EQ(to_string(entry.level), "word");
}

}  // namespace robustness_tests
}  // namespace fissile
