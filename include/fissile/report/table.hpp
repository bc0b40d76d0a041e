// A table of texts, for the terminal and as Markdown; columns line up in any script, since width is counted in
// characters as a terminal shows them and not in bytes.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
#include <fissile/report/utf8.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace fissile {

enum class alignment { left, right };

struct table_column {
  std::string name;
  alignment align = alignment::left;  // right for numbers
};

struct table {
  std::vector<table_column> columns;
  std::vector<std::vector<std::string>> rows;  // cells that a row lacks at its end are empty; more than the columns
                                               // are refused with shape_error
};

/// One line of plain characters: line ends and tabs become spaces, other control characters and broken UTF-8 U+FFFD.
inline std::string one_line(std::string_view text) {
  std::string out;
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t begin = position;
    const char32_t character = next_character(text, position);
    if (character == '\t' || character == '\n' || character == '\r') {
      out += ' ';
    } else if (character < 0x20 || (character >= 0x7f && character < 0xa0) || character == replacement_character) {
      out += "\xef\xbf\xbd";
    } else {
      out.append(text.substr(begin, position - begin));
    }
  }
  return out;
}

/// The cells with their widths, names first; made by the functions below.
class table_layout {
public:
  template <class Clean>
  table_layout(const table& content, const Clean& clean) : columns_(content.columns) {
    std::vector<std::string> names;
    for (const table_column& column : columns_) names.push_back(column.name);
    add(names, clean);
    for (const std::vector<std::string>& row : content.rows) add(row, clean);
  }

  index_t rows() const noexcept { return length(cells_); }
  index_t columns() const noexcept { return length(columns_); }
  index_t width(index_t column) const noexcept { return width_[to_size(column)]; }
  alignment align(index_t column) const noexcept { return columns_[to_size(column)].align; }
  /// A cell with the spaces that make it as wide as its column.
  std::string padded(index_t row, index_t column) const {
    const std::string& cell = cells_[to_size(row)][to_size(column)];
    const std::string space(to_size(width(column) - columns_of(cell)), ' ');
    return align(column) == alignment::right ? space + cell : cell + space;
  }

private:
  template <class Clean>
  void add(const std::vector<std::string>& row, const Clean& clean) {
    if (length(row) > columns()) {
      fail<shape_error>({.argument = "table: row " + std::to_string(rows() - 1),
                         .expected = "at most " + std::to_string(columns()) + " cells",
                         .got = std::to_string(row.size())});
    }
    std::vector<std::string>& cells = cells_.emplace_back(columns_.size());
    width_.resize(columns_.size(), 3);  // Markdown wants three dashes
    for (std::size_t column = 0; column < row.size(); ++column) {
      cells[column] = clean(row[column]);
      width_[column] = std::max<index_t>(width_[column], columns_of(cells[column]));
    }
  }

  const std::vector<table_column>& columns_;
  std::vector<std::vector<std::string>> cells_;
  std::vector<index_t> width_;
};

/// For a terminal: two spaces between columns, a line below the names, no spaces at the ends of lines.
inline std::string to_plain_text(const table& content) {
  const table_layout layout{content, one_line};
  std::string out;
  for (index_t row = 0; row < layout.rows(); ++row) {
    std::string line, rule;
    for (index_t column = 0; column < layout.columns(); ++column) {
      line.append(column > 0 ? "  " : "").append(layout.padded(row, column));
      rule.append(column > 0 ? "  " : "").append(to_size(layout.width(column)), '-');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
    if (row == 0) out += rule + "\n";
  }
  return out;
}

/// As Markdown reads a table, and as well lined up as the plain text. `|` in cells is escaped.
inline std::string to_markdown(const table& content) {
  const table_layout layout{content, [](std::string_view cell) {
                              std::string escaped;
                              for (const char c : one_line(cell)) escaped.append(c == '|' ? "\\" : "").push_back(c);
                              return escaped;
                            }};
  std::string out;
  for (index_t row = 0; row < layout.rows(); ++row) {
    std::string rule = "|";
    out += "|";
    for (index_t column = 0; column < layout.columns(); ++column) {
      out += " " + layout.padded(row, column) + " |";
      const std::string dashes(to_size(layout.width(column) - 1), '-');
      rule += layout.align(column) == alignment::right ? " " + dashes + ": |" : " -" + dashes + " |";
    }
    out += "\n";
    if (row == 0) out += rule + "\n";
  }
  return out;
}

}  // namespace fissile
