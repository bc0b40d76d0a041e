// Texts of the command line, of the guide, and of a folder; what cannot be one is refused by name.
#include "samples.hpp"

#include <gtest/gtest.h>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

TEST(texts, come_in_the_order_of_the_command_line) {
  const temporary_directory directory;
  put(directory / "a.txt", "alpha");
  put(directory / "b=c.txt", std::string("\0\xff", 2));
  const corpus made = corpus_of_arguments({"zz=" + (directory / "a.txt"), "zh_CN=" + (directory / "b=c.txt")});
  ASSERT_EQ(made.texts.size(), 2u);
  EXPECT_EQ(made.texts[0].language, "zz");
  EXPECT_EQ(made.texts[0].content, "alpha");
  EXPECT_EQ(made.texts[1].language, "zh_CN");
  EXPECT_EQ(made.texts[1].content, std::string("\0\xff", 2));
  EXPECT_NE(made.name.find("a.txt"), made.name.npos);
}

TEST(texts, want_a_language_and_a_file) {
  for (const char* bad : {"", "en", "=file", "en=", "e/n=file", "../x=file", "e n=file", "\xc3\xa9=file"}) {
    expect_says(message_of<setting_error>([&] { text_of_argument(bad); }), {"--text", "LANGUAGE=FILE", bad});
  }
  expect_says(message_of<file_error>([] { text_of_argument("en=/no/such/file"); }), {"/no/such/file"});
  const temporary_directory directory;
  put(directory / "a.txt", "alpha");
  const std::string folder = directory / "";
  expect_says(message_of<file_error>([&] { text_of_argument("en=" + folder); }), {"a directory"});
  const std::string once = "en=" + (directory / "a.txt");
  expect_says(message_of<setting_error>([&] { corpus_of_arguments({once, once}); }), {"en twice"});
}

/// A guide of one held-out page: the second of ten names, and one more.
void write_guide(const std::filesystem::path& folder, std::initializer_list<const char*> languages) {
  for (const char* language : languages) {
    std::filesystem::create_directories(folder / language);
    for (const char* page : {"apa.html", "apb.html", "index.html"}) {
      put((folder / language / page).string(), "<html><head><meta charset=utf-8></head><body><p>" +
                                                   std::string{language} + " " + page + "</p></body></html>");
    }
  }
}

TEST(texts, of_the_guide_are_its_held_out_pages) {
  const temporary_directory directory;
  const std::filesystem::path folder = directory / "guide";
  write_guide(folder, {"de", "en", "ja"});
  const corpus made = default_corpus({.guide = folder});
  ASSERT_EQ(made.texts.size(), 2u) << "ja is not among the default languages";
  EXPECT_EQ(made.texts[0].language, "en");
  EXPECT_EQ(made.texts[0].content, "en apb.html\n");
  EXPECT_EQ(made.texts[1].language, "de");
  EXPECT_NE(made.name.find("held-out"), made.name.npos);
}

TEST(texts, of_a_guide_that_is_not_there_are_refused) {
  const temporary_directory directory;
  expect_says(message_of<setting_error>([&] { default_corpus({.guide = directory / "nothing"}); }),
              {"--guide", "nothing"});
}

TEST(texts, of_a_folder_are_one_a_language) {
  const temporary_directory directory;
  for (const char* language : default_languages) put(directory / (std::string{language} + ".txt"), language);
  const corpus made = corpus_of_folder(directory / "");
  ASSERT_EQ(made.texts.size(), default_languages.size());
  for (std::size_t i = 0; i < made.texts.size(); ++i) EXPECT_EQ(made.texts[i].content, default_languages[i]);
}

TEST(texts, of_the_project_serve_the_default_study) {
  const corpus made = corpus_of_folder(FISSILE_SOURCE_DIR "/examples/texts");
  for (const text& one : made.texts) {
    EXPECT_EQ(split_halves(one, 2048).length, text_length::enough) << one.language;
  }
}

}  // namespace
