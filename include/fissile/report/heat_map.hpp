// A heat map as SVG: rows in groups (languages in layers), columns (experts), a colour for each value.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
#include <fissile/report/colour_scale.hpp>
#include <fissile/report/svg.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fissile {

struct heat_map_row {
  std::string name;
  std::vector<double> values;  // finite, none below the map's minimum; NaN: not known, drawn hatched in grey
};
struct heat_map_group {
  std::string name;
  std::vector<heat_map_row> rows;
};

/// What is drawn. Rows may differ in length; the columns a row lacks stay empty.
struct heat_map {
  std::string title;
  std::vector<std::string> notes;  // lines below the title: corpus, tokens, how the values were made
  std::string row_axis;            // "layer, language"
  std::string column_axis = "expert";
  std::string value_axis = "frequency";
  std::vector<heat_map_group> groups;
  double maximum = 0;  // the end of the colour scale; 0: the largest value, rounded up; larger values are drawn as it
  double minimum = 0;  // where the scale begins
  std::vector<std::string> columns = {};  // names; columns without one are numbered
};

/// 1200 pixels wide, or more where there are more than about a thousand columns; as high as the rows need.
/// The same map gives the same bytes. Throws setting_error where there are no rows or no columns, or a value is
/// below the minimum or infinite.
std::string to_svg(const heat_map& map);

/// The drawing, piece by piece; made by `to_svg`.
class heat_map_drawing {
public:
  explicit heat_map_drawing(const heat_map& map) : map_(map) {
    check();
    row_height_ = std::floor(std::clamp(1000.0 / static_cast<double>(rows_), 14.0, 28.0));
    name_size_ = std::min(13.0, row_height_ - 3);
    for (const heat_map_group& group : map.groups) {
      group_width_ = std::max(group_width_, svg::text_width(group.name, group_size * bold));
      for (const heat_map_row& row : group.rows) {
        name_width_ = std::max(name_width_, svg::text_width(row.name, name_size_));
      }
    }
    group_width_ = std::min(group_width_, 180.0);
    name_width_ = std::min(name_width_, 220.0);
    left_ = std::ceil(margin + group_width_ + (group_width_ > 0 ? 14 : 0) + name_width_ + 8);
    cell_ = std::max(1.0, (page - left_ - margin) / static_cast<double>(columns_));
    width_ = std::max(page, edge(columns_) + margin);
  }

  std::string draw() {
    double y = header();
    for (const heat_map_group& group : map_.groups) {
      if (group.rows.empty()) continue;
      const double middle = y + row_height_ * static_cast<double>(group.rows.size()) / 2;
      out_ += svg::text(margin, middle + 5, svg::shortened(group.name, group_size * bold, group_width_),
                        {.size = group_size, .extra = "font-weight=\"bold\""});
      for (const heat_map_row& row : group.rows) {
        out_ +=
            svg::text(left_ - 8, y + row_height_ / 2 + name_size_ * 0.36,
                      svg::shortened(row.name, name_size_, name_width_), {.size = name_size_, .at = svg::anchor::end});
        add_cells(row, y);
        y += row_height_;
      }
      y += group_gap;
    }
    paint();
    y = column_axis(y - group_gap);
    y = legend(y + 16);
    return svg::document(width_, y + margin, map_.title, out_);
  }

private:
  static constexpr double page = 1200, margin = 20, group_gap = 9, group_size = 14;
  static constexpr double bold = 1.15;  // a bold text is wider
  static constexpr int shades = 255;    // of the scale; the next one is for what is not known
  static constexpr int unknown = shades + 1;
  static constexpr std::string_view italic = "font-style=\"italic\"";

  void check() {
    const auto refuse = [&](const std::string& got) {
      fail<setting_error>({.argument = "heat_map \"" + map_.title + "\"",
                           .expected = "rows of finite numbers, none below " + svg::number(map_.minimum) +
                                       ", and a finite maximum above it",
                           .got = got,
                           .cure = "a value that is not known is NaN"});
    };
    double largest = map_.minimum;
    for (const heat_map_group& group : map_.groups) {
      rows_ += length(group.rows);
      for (const heat_map_row& row : group.rows) {
        columns_ = std::max(columns_, length(row.values));
        for (const double value : row.values) {
          if (value < map_.minimum || std::isinf(value)) {
            refuse(svg::number(value) + " in row " + group.name + " " + row.name);
          }
          if (value > largest) largest = value;
        }
      }
    }
    if (rows_ == 0 || columns_ == 0) refuse("no values");
    maximum_ = map_.maximum != 0 ? map_.maximum : svg::round_up(largest);
    if (map_.maximum == 0 && maximum_ == map_.minimum) maximum_ += 1;
    range_ = maximum_ - map_.minimum;
    if (!(range_ > 0 && std::isfinite(range_))) refuse("a maximum of " + svg::number(maximum_));
    beyond_ = largest > maximum_;
  }

  /// Where a column begins: on a whole pixel, so that no seams show.
  double edge(index_t column) const noexcept { return std::round(left_ + cell_ * static_cast<double>(column)); }

  double header() {
    double y = margin - 8;
    for (const std::string& line : svg::wrapped(map_.title, 20 * bold, width_ - 2 * margin)) {
      out_ += svg::text(margin, y += 24, line, {.size = 20, .extra = "font-weight=\"bold\""});
    }
    y += 8;
    for (const std::string& note : map_.notes) {
      for (const std::string& line : svg::wrapped(note, 13, width_ - 2 * margin)) {
        out_ += svg::text(margin, y += 17, line, {.size = 13, .extra = "fill=\"#4d4d4d\""});
      }
    }
    out_ += svg::text(margin, y += 24, map_.row_axis, {.size = 13, .extra = italic});
    return y + 9;
  }

  /// Cells are gathered by shade and painted together, which keeps the file small: a cell is a few moves of a path.
  void add_cells(const heat_map_row& row, double y) {
    for (index_t column = 0; column < length(row.values); ++column) {
      const double value = row.values[to_size(column)];
      const double share = std::min((value - map_.minimum) / range_, 1.0);
      const int shade = std::isnan(value) ? unknown : static_cast<int>(std::lround(share * shades));
      const std::string from = svg::pixels(edge(column));
      const std::string to = svg::pixels(edge(column + 1) - (cell_ >= 6 ? 1 : 0));
      strokes_[shade] +=
          "M" + from + " " + svg::pixels(y) + "H" + to + "v" + svg::pixels(row_height_ - 1) + "H" + from + "z";
    }
  }
  void paint() {
    if (strokes_.count(unknown) > 0) {
      out_ +=
          "<defs><pattern id=\"unknown\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" "
          "patternTransform=\"rotate(45)\"><rect width=\"5\" height=\"5\" fill=\"#d9d9d9\"/>"
          "<rect width=\"2\" height=\"5\" fill=\"#8c8c8c\"/></pattern></defs>\n";
    }
    out_ += "<g shape-rendering=\"crispEdges\">\n";
    for (const auto& [shade, path] : strokes_) {
      const std::string fill =
          shade == unknown ? "url(#unknown)" : to_string(viridis(static_cast<double>(shade) / shades));
      out_ += "<path fill=\"" + fill + "\" d=\"" + path + "\"/>\n";
    }
    out_ += "</g>\n";
  }

  std::string name_of(index_t column) const {
    return column < length(map_.columns) ? map_.columns[to_size(column)] : std::to_string(column);
  }

  /// Names or numbers below the columns: names turned where they would not fit, as many as are readable.
  double column_axis(double y) {
    double widest = svg::text_width(std::to_string(columns_), 12);
    for (const std::string& name : map_.columns) widest = std::max(widest, svg::text_width(name, 12));
    const bool turned = !map_.columns.empty() && widest + 10 > cell_;
    const double room = turned ? 14 : widest + 10;
    index_t step = 1;
    for (const index_t larger : {2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000}) {
      if (static_cast<double>(step) * cell_ < room) step = larger;
    }
    for (index_t column = 0; column < columns_; column += step) {
      const double middle = (edge(column) + edge(column + 1)) / 2;
      out_ += svg::line({middle, y}, {middle, y + 4}, "stroke=\"#4d4d4d\"");
      const std::string turn = "transform=\"rotate(90 " + svg::pixels(middle - 4) + " " + svg::pixels(y + 8) + ")\"";
      out_ += turned ? svg::text(middle - 4, y + 8, name_of(column), {.extra = turn})
                     : svg::text(middle, y + 17, name_of(column), {.at = svg::anchor::middle});
    }
    y += turned ? widest : 0;
    out_ += svg::text((left_ + edge(columns_)) / 2, y + 36, map_.column_axis,
                      {.size = 13, .at = svg::anchor::middle, .extra = italic});
    return y + 36;
  }

  double legend(double y) {
    constexpr double bar = 320, height = 14;
    constexpr int pieces = 160;
    out_ += "<g shape-rendering=\"crispEdges\">\n";
    for (int i = 0; i < pieces; ++i) {
      out_ += svg::rectangle({left_ + i * bar / pieces, y, bar / pieces, height},
                             "fill=\"" + to_string(viridis(i / (pieces - 1.0))) + "\"");
    }
    out_ += "</g>\n";
    for (int tick = 0; tick <= 4; ++tick) {
      const double x = left_ + bar * tick / 4;
      const std::string more = tick == 4 && beyond_ ? "\u2265 " : "";
      out_ += svg::line({x, y + height}, {x, y + height + 4}, "stroke=\"#4d4d4d\"");
      out_ += svg::text(x, y + height + 17, more + svg::number(map_.minimum + range_ * (tick / 4.0)),
                        {.at = svg::anchor::middle});
    }
    double x = left_ + bar + 16;
    out_ += svg::text(x, y + 12, map_.value_axis, {.size = 13, .extra = italic});
    if (strokes_.count(unknown) > 0) {
      x += svg::text_width(map_.value_axis, 13) + 30;
      out_ += svg::rectangle({x, y, 28, height}, "fill=\"url(#unknown)\"");
      out_ += svg::text(x + 36, y + 12, "not known", {.size = 13});
    }
    return y + height + 17;
  }

  const heat_map& map_;
  index_t rows_ = 0, columns_ = 0;
  double maximum_ = 1, range_ = 1;
  bool beyond_ = false;  // some value is larger than the scale
  double row_height_ = 0, name_size_ = 0, group_width_ = 0, name_width_ = 0, left_ = 0, cell_ = 0, width_ = 0;
  std::map<int, std::string> strokes_;  // by shade
  std::string out_;
};

inline std::string to_svg(const heat_map& map) {
  return heat_map_drawing{map}.draw();
}

}  // namespace fissile
