// Instructions are made of the guide's own paragraphs, word for word.
#include <models/instruction_documents.hpp>

#include <gtest/gtest.h>

namespace {

namespace guide_pages = fissile::examples::guide;

TEST(instructions, each_kind_with_its_answer) {
  const guide_pages::page german{.language = "de", .name = "a.html", .paragraphs = {"Eins", "Zwei"}};
  const guide_pages::page french{.language = "fr", .name = "a.html", .paragraphs = {"Un", "Deux"}};
  using guide_pages::instruct;
  using guide_pages::instruction;
  EXPECT_EQ(instruct(instruction::translate, german, french, 1), "Translate from German to French:\nZwei\nDeux\n");
  EXPECT_EQ(instruct(instruction::go_on, german, french, 0), "Continue in French:\nEins\nDeux\n");
  EXPECT_EQ(instruct(instruction::go_on, german, french, 1), "") << "nothing follows";
  EXPECT_EQ(instruct(instruction::name_language, german, french, 1), "Which language is this?\nZwei\nGerman\n");
}

}  // namespace
