// A line chart as SVG: a few named series with error bars, as bits per byte over the rate of pruning.
//
// Series differ in colour, in dashes and in the shape of their points, so that a print in greyscale tells them apart.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
#include <fissile/report/svg.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace fissile {

struct chart_point {
  double x = 0;
  double y = 0;      // NaN: not known; the line is broken there
  double error = 0;  // half the height of the bar around y; 0: no bar
};
struct chart_series {
  std::string name;
  std::vector<chart_point> points;  // joined in this order
};

struct line_chart {
  std::string title;
  std::vector<std::string> notes;  // lines below the title: corpus, bytes, what the bars are
  std::string x_axis, y_axis;
  std::vector<chart_series> series;
};

/// 960 x 540 pixels, higher where there are many notes or series. The y axis need not begin at 0. The same chart gives
/// the same bytes. Throws setting_error where there is no point, or x, y or error is infinite, x or error NaN, or error
/// negative.
std::string to_svg(const line_chart& chart);

/// An axis from `low` to `high` in pleasant steps, about `parts` of them, around the numbers given.
struct chart_axis {
  double low, high, step;

  static chart_axis around(double least, double most, int parts) {
    // Numbers that differ by rounding alone are one: steps between them would be too small to add.
    const double rounding = 64 * std::numeric_limits<double>::epsilon() * std::max(std::abs(least), std::abs(most));
    if (!(most - least > rounding)) {
      const double room = most == 0 ? 0.5 : std::abs(most) / 4;
      least -= room;
      most += room;
    }
    const double raw = (most - least) / parts;
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    const double part = raw / power;
    const double step = (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10) * power;
    return {std::floor(least / step) * step, std::ceil(most / step) * step, step};
  }
  int ticks() const noexcept { return static_cast<int>(std::lround((high - low) / step)) + 1; }
  double tick(int i) const noexcept {
    const double value = low + i * step;
    return std::abs(value) < step * 1e-9 ? 0.0 : value;
  }
};

/// The drawing, piece by piece; made by `to_svg`.
class line_chart_drawing {
public:
  explicit line_chart_drawing(const line_chart& chart) : chart_(chart) {
    check();
    for (const chart_series& series : chart.series) {
      right_ = std::max(right_, 70 + svg::text_width(series.name, 13));
    }
    right_ = std::min(right_, 320.0);
  }

  std::string draw() {
    top_ = header() + 22;
    bottom_ = top_ + std::max(380.0, 22.0 * static_cast<double>(chart_.series.size()));
    grid();
    for (index_t i = 0; i < length(chart_.series); ++i) draw_series(i);
    return svg::document(page, bottom_ + 58, chart_.title, out_);
  }

private:
  static constexpr double page = 960, margin = 20, left = 90;
  static constexpr std::string_view italic = "font-style=\"italic\"";
  // Colours that colour-blind eyes tell apart (Okabe and Ito 2008), black first.
  static constexpr std::array<std::string_view, 7> colours{"#000000", "#d55e00", "#0072b2", "#009e73",
                                                           "#cc79a7", "#e69f00", "#56b4e9"};
  static constexpr std::array<std::string_view, 4> dashes{"", "8 4", "2 3", "10 3 2 3"};

  void check() {
    double least_x = std::numeric_limits<double>::infinity(), most_x = -least_x, least_y = least_x, most_y = -least_x;
    for (const chart_series& series : chart_.series) {
      for (const chart_point& p : series.points) {
        if (!std::isfinite(p.x) || std::isinf(p.y) || !(p.error >= 0) || std::isinf(p.error)) {
          refuse("(" + svg::number(p.x) + ", " + svg::number(p.y) + " +- " + svg::number(p.error) + ") in " +
                 series.name);
        }
        if (std::isnan(p.y)) continue;
        least_x = std::min(least_x, p.x);
        most_x = std::max(most_x, p.x);
        least_y = std::min(least_y, p.y - p.error);
        most_y = std::max(most_y, p.y + p.error);
      }
    }
    if (!(least_x <= most_x)) refuse("none");
    x_ = chart_axis::around(least_x, most_x, 8);
    y_ = chart_axis::around(least_y, most_y, 6);
    if (!std::isfinite(x_.high - x_.low) || !std::isfinite(y_.high - y_.low)) refuse("numbers that are too far apart");
  }
  [[noreturn]] void refuse(const std::string& got) const {
    fail<setting_error>({.argument = "line_chart \"" + chart_.title + "\"",
                         .expected = "points of finite numbers, errors not negative",
                         .got = got,
                         .cure = "a y that is not known is NaN"});
  }

  double across(double x) const noexcept { return left + (x - x_.low) / (x_.high - x_.low) * (page - right_ - left); }
  double down(double y) const noexcept { return bottom_ - (y - y_.low) / (y_.high - y_.low) * (bottom_ - top_); }

  double header() {
    double y = margin - 8;
    for (const std::string& line : svg::wrapped(chart_.title, 20 * 1.15, page - 2 * margin)) {
      out_ += svg::text(margin, y += 24, line, {.size = 20, .extra = "font-weight=\"bold\""});
    }
    y += 8;
    for (const std::string& note : chart_.notes) {
      for (const std::string& line : svg::wrapped(note, 13, page - 2 * margin)) {
        out_ += svg::text(margin, y += 17, line, {.size = 13, .extra = "fill=\"#4d4d4d\""});
      }
    }
    out_ += svg::text(margin, y += 24, chart_.y_axis, {.size = 13, .extra = italic});
    return y;
  }

  void grid() {
    const double end = across(x_.high);
    for (int i = 0; i < y_.ticks(); ++i) {
      const double y = down(y_.tick(i));
      out_ += svg::line({left, y}, {end, y}, "stroke=\"#d9d9d9\"");
      out_ += svg::text(left - 8, y + 4, svg::number(y_.tick(i), 4), {.at = svg::anchor::end});
    }
    for (int i = 0; i < x_.ticks(); ++i) {
      const double x = across(x_.tick(i));
      out_ += svg::line({x, bottom_}, {x, bottom_ + 5}, "stroke=\"#4d4d4d\"");
      out_ += svg::text(x, bottom_ + 19, svg::number(x_.tick(i), 4), {.at = svg::anchor::middle});
    }
    out_ += svg::line({left, bottom_}, {end, bottom_}, "stroke=\"#4d4d4d\"");
    out_ += svg::text((left + end) / 2, bottom_ + 40, chart_.x_axis,
                      {.size = 13, .at = svg::anchor::middle, .extra = italic});
  }

  /// Circle, square, diamond, triangle.
  static std::string marker(index_t series, svg::point at, const std::string& colour) {
    const std::string x = svg::pixels(at.x), y = svg::pixels(at.y);
    const std::string fill = "fill=\"" + colour + "\"";
    switch (series % 4) {
      case 0:
        return "<circle cx=\"" + x + "\" cy=\"" + y + "\" r=\"4\" " + fill + "/>\n";
      case 1:
        return svg::rectangle({at.x - 4, at.y - 4, 8, 8}, fill);
      case 2:
        return "<path d=\"M" + x + " " + svg::pixels(at.y - 5.5) + "l5.5 5.5l-5.5 5.5l-5.5 -5.5z\" " + fill + "/>\n";
      default:
        return "<path d=\"M" + x + " " + svg::pixels(at.y - 5) + "l5 9h-10z\" " + fill + "/>\n";
    }
  }

  void draw_series(index_t i) {
    const chart_series& series = chart_.series[to_size(i)];
    const std::string colour{colours[to_size(i) % colours.size()]};
    const std::string_view dash = dashes[to_size(i) % dashes.size()];
    const std::string thin = "stroke=\"" + colour + "\" stroke-width=\"1.2\"";
    std::string stroke = "fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"2\"";
    if (!dash.empty()) stroke.append(" stroke-dasharray=\"").append(dash).append("\"");
    std::string path, points;
    bool joined = false;
    for (const chart_point& p : series.points) {
      if (std::isnan(p.y)) {
        joined = false;
        continue;
      }
      const double x = across(p.x), y = down(p.y);
      path += (joined ? "L" : "M") + svg::pixels(x) + " " + svg::pixels(y);
      joined = true;
      if (p.error > 0) {
        const double high = down(p.y + p.error), low = down(p.y - p.error);
        points += svg::line({x, high}, {x, low}, thin);
        for (const double end : {high, low}) points += svg::line({x - 4, end}, {x + 4, end}, thin);
      }
      points += marker(i, {x, y}, colour);
    }
    if (!path.empty()) out_ += "<path d=\"" + path + "\" " + stroke + "/>\n" + points;
    const double x = page - right_ + 16, y = top_ + 8 + 22 * static_cast<double>(i);
    out_ += "<path d=\"M" + svg::pixels(x) + " " + svg::pixels(y) + "h32\" " + stroke + "/>\n";
    out_ += marker(i, {x + 16, y}, colour);
    out_ += svg::text(x + 40, y + 5, svg::shortened(series.name, 13, right_ - 60), {.size = 13});
  }

  const line_chart& chart_;
  chart_axis x_{}, y_{};
  double right_ = 110, top_ = 0, bottom_ = 0;
  std::string out_;
};

inline std::string to_svg(const line_chart& chart) {
  return line_chart_drawing{chart}.draw();
}

}  // namespace fissile
