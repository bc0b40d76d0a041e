#include <fissile/report/table.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"

#include <fissile/base/random.hpp>

namespace fissile {
namespace {

table sample() {
  return {.columns = {{"language"}, {"tokens", alignment::right}, {"note"}},
          .rows = {{"\u4e2d\u6587", "12", "a|b"}, {"fran\u00e7ais", "12345"}, {"x", "1", "two\nlines"}}};
}

TEST(table, plain_text_lines_up) {
  EXPECT_EQ(to_plain_text(sample()),
            "language  tokens  note\n"
            "--------  ------  ---------\n"
            "\u4e2d\u6587          12  a|b\n"
            "fran\u00e7ais   12345\n"
            "x              1  two lines\n");
}

TEST(table, markdown_lines_up) {
  EXPECT_EQ(to_markdown(sample()),
            "| language | tokens | note      |\n"
            "| -------- | -----: | --------- |\n"
            "| \u4e2d\u6587     |     12 | a\\|b      |\n"
            "| fran\u00e7ais |  12345 |           |\n"
            "| x        |      1 | two lines |\n");
}

TEST(table, every_line_of_markdown_has_the_same_width_and_number_of_cells) {
  random_source random{32};
  for (int round = 0; round < 200; ++round) {
    table content;
    for (index_t c = random.below(5); c >= 0; --c) {
      content.columns.push_back(
          {std::string(to_size(random.below(5)), 'n'), random.below(2) == 0 ? alignment::left : alignment::right});
    }
    for (index_t r = random.below(6); r > 0; --r) {
      std::vector<std::string> row;
      for (index_t c = random.below(length(content.columns) + 1); c > 0; --c) {
        std::string cell;
        for (index_t i = random.below(8); i > 0; --i) {
          const std::string letters[] = {"a", "|", "\u4e2d", "\u00e9", "\n", "\xff", "\x1b", "e\u0301"};
          cell += letters[random.below(8)];
        }
        row.push_back(std::move(cell));
      }
      content.rows.push_back(std::move(row));
    }
    const std::string text = to_markdown(content);
    std::size_t lines = 0;
    int width = -1;
    for (std::size_t begin = 0; begin < text.size(); ++lines) {
      const std::size_t end = text.find('\n', begin);
      const std::string_view line = std::string_view(text).substr(begin, end - begin);
      if (width < 0) width = columns_of(line);
      EXPECT_EQ(columns_of(line), width) << text;
      std::size_t bars = 0;
      for (std::size_t i = 0; i < line.size(); ++i) bars += line[i] == '|' && (i == 0 || line[i - 1] != '\\') ? 1 : 0;
      EXPECT_EQ(bars, content.columns.size() + 1) << text;
      begin = end + 1;
    }
    EXPECT_EQ(lines, content.rows.size() + 2);
  }
}

TEST(table, cells_cannot_steer_a_terminal) {
  EXPECT_EQ(one_line("a\x1b[31m\tb\xc2\x9b\xff"), "a\ufffd[31m b\ufffd\ufffd");
}

TEST(table, a_row_longer_than_the_names_is_refused) {
  const table wrong{.columns = {{"a"}, {"b"}}, .rows = {{"1", "2"}, {"1", "2", "3"}}};
  EXPECT_EQ(testing::refusal<shape_error>([&] { static_cast<void>(to_markdown(wrong)); }),
            "table: row 1: expected at most 2 cells, got 3");
  EXPECT_THROW(static_cast<void>(to_plain_text(wrong)), shape_error);
}

}  // namespace
}  // namespace fissile
