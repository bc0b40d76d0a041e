// Pages, samples and items: the same in every language, within the context, and nobody knows the answer by its place.
#include <pruning/items.hpp>
#include <pruning/reader.hpp>

#include <gtest/gtest.h>

#include <set>

#include "pages.hpp"

namespace fissile::pruning_study {
namespace {

TEST(parallel_pages, are_those_with_as_many_paragraphs_everywhere) {
  auto guide = made_up_guide(3, 20);
  guide.front().paragraphs.pop_back();  // the first language of page 0
  const auto pages = parallel_pages(guide);
  ASSERT_EQ(pages.size(), 5u);
  for (const parallel_page& page : pages) {
    EXPECT_NE(page.name, "page0.html");
    EXPECT_EQ(length(page.paragraphs), language_count);
    EXPECT_EQ(page.length(), 20);
    EXPECT_TRUE(page.translated(0));
    EXPECT_FALSE(page.translated(untranslated_paragraph));
  }
}

TEST(items, are_the_same_in_every_language) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const auto items = make_items(parallel_pages(made_up_guide(3, 20)), {.items = 16, .letters = 200, .seed = seed});
    ASSERT_EQ(length(items), language_count);
    for (const auto& of_language : items) {
      ASSERT_EQ(of_language.size(), 16u);
      for (std::size_t i = 0; i < of_language.size(); ++i) {
        const choice_item &one = of_language[i], &english = items.front()[i];
        EXPECT_EQ(one.truth, english.truth);
        // A paragraph of the made-up guide names its place, and nothing else of it has digits.
        EXPECT_EQ(digits_of(one.context), digits_of(english.context));
        EXPECT_EQ(digits_of(one.ends[to_size(one.truth)]), digits_of(one.context));
        std::set<std::string> places;
        for (std::size_t end = 0; end < one.ends.size(); ++end) {
          EXPECT_EQ(digits_of(one.ends[end]), digits_of(english.ends[end]));
          places.insert(digits_of(one.ends[end]));
        }
        EXPECT_EQ(places.size(), 4u) << "the truth and three from elsewhere";
      }
    }
  }
}

TEST(items, the_true_end_stands_anywhere) {
  const auto items = make_items(parallel_pages(made_up_guide(3, 40)), {.items = 48});
  std::array<int, 4> at{};
  for (const choice_item& one : items.front()) ++at[to_size(one.truth)];
  for (const int count : at) EXPECT_GT(count, 3) << "of 48";
}

TEST(items, come_from_held_out_pages_that_are_translated) {
  const auto pages = parallel_pages(made_up_guide(3, 20));
  const auto items = make_items(pages, {.items = 1000, .letters = 200});
  for (const choice_item& one : items.front()) {
    EXPECT_EQ(digits_of(one.context).substr(0, 2), "19") << "paragraphs of held-out pages are numbered so";
  }
  EXPECT_EQ(items.front().size(), 3u * 19u);
  EXPECT_THROW(make_items(parallel_pages(made_up_guide(3, 1)), {}), setting_error);
}

TEST(items, are_cut_between_letters) {
  const std::string greek = "\xce\xb1\xce\xb2\xce\xb3";
  EXPECT_EQ(detail::first_letters(greek, 2), "\xce\xb1\xce\xb2");
  EXPECT_EQ(detail::last_letters(greek, 1), "\xce\xb3");
  EXPECT_EQ(detail::first_letters(greek, 9), greek);
  EXPECT_EQ(detail::last_letters(greek, 9), greek);
  EXPECT_EQ(detail::middle_of("ab cd"), 2u);
  EXPECT_EQ(detail::middle_of("a bcdefgh ij"), 9u);
}

TEST(items, equal_scores_know_a_quarter) {
  const std::vector<choice_item> four(4, choice_item{.context = "a", .ends = {}, .truth = 2});
  const accuracy chance = accuracy_of(std::vector<double>(16, -1.5), four);
  EXPECT_DOUBLE_EQ(chance.share, 0.25);
  EXPECT_NEAR(chance.error, std::sqrt(0.25 * 0.75 / 4), 1e-15);
  std::vector<double> right(16, -1.0);
  for (std::size_t item = 0; item < 4; ++item) right[4 * item + 2] = -0.5;
  EXPECT_DOUBLE_EQ(accuracy_of(right, four).share, 1.0);
  right[2] = std::nan("");  // never chosen
  EXPECT_DOUBLE_EQ(accuracy_of(right, four).share, 0.75);
  EXPECT_DOUBLE_EQ(accuracy_of(std::vector<double>(16, std::nan("")), four).share, 0.0);
}

}  // namespace
}  // namespace fissile::pruning_study
