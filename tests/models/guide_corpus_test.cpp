// The guide as a corpus: tags go, characters come, and a held-out page is held out in every language.
#include <file/temporary.hpp>
#include <models/guide_corpus.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace {

namespace guide = fissile::examples::guide;

/// A folder of pages, gone at the end of the test.
class guide_folder {
public:
  void add(const std::string& language, const std::string& name, const std::string& body) const {
    const std::filesystem::path folder = path() / language;
    std::filesystem::create_directories(folder);
    std::ofstream(folder / name) << "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; "
                                    "charset=UTF-8\"></head><body>"
                                 << body << "</body></html>";
  }
  std::filesystem::path path() const { return folder_ / "guide"; }

private:
  fissile::testing::temporary_directory folder_;
};

std::string page_name(int number) {
  return "ch" + std::to_string(10 + number) + ".html";
}

TEST(html_text, paragraphs_without_tags_and_with_characters) {
  const auto blocks =
      fissile::examples::html_blocks("<body><p>A &amp; B,\n  <em>caf&#233;</em> &#8364;</p><p>Two</p></body>");
  ASSERT_EQ(blocks.size(), 2u);
  EXPECT_EQ(blocks[0], "A & B, caf\u00e9 \u20ac");
  EXPECT_EQ(blocks[1], "Two");
}

TEST(guide, the_same_page_names_are_held_out_in_every_language) {
  const guide_folder folder;
  for (int number = 0; number < 25; ++number) {
    folder.add("en", page_name(number), "<p>page " + std::to_string(number) + "</p>");
    if (number != 11) folder.add("de", page_name(number), "<p>Seite " + std::to_string(number) + "</p>");
  }
  const auto pages = guide::read(folder.path());
  ASSERT_EQ(pages.size(), 49u);
  for (const auto& page : pages) {
    const int number = std::stoi(page.name.substr(2)) - 10;
    EXPECT_EQ(page.held_out, number % 10 == 1) << page.language << " " << page.name;
  }
  EXPECT_EQ(guide::held_out_text(pages, "de").find("Seite 2\n"), std::string::npos);
  EXPECT_NE(guide::held_out_text(pages, "de").find("Seite 21"), std::string::npos);
}

TEST(guide, pages_with_as_many_paragraphs_align) {
  const guide_folder folder;
  folder.add("en", page_name(0), "<p>one</p><p>two</p>");
  folder.add("de", page_name(0), "<p>eins</p><p>zwei</p>");
  folder.add("fr", page_name(0), "<p>un</p>");
  const auto pages = guide::read(folder.path());
  ASSERT_EQ(guide::languages(pages), (std::vector<std::string>{"de", "en", "fr"}));
  EXPECT_TRUE(guide::aligned(pages[0], pages[1]));
  EXPECT_FALSE(guide::aligned(pages[0], pages[2]));
  EXPECT_EQ(guide::translation(pages[0], pages[1], 1), "German: zwei\nEnglish: two\n");
}

TEST(guide, a_folder_that_is_not_there_is_nothing_to_find) {
  EXPECT_FALSE(guide::find_directory("/nonexistent/guide").has_value());
}

}  // namespace
