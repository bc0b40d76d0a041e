// The few things that drawing SVG by hand takes: numbers, escaped text, lines and rectangles.
//
// What comes out is well-formed XML whatever the text: markup is escaped, and what XML cannot hold (control characters,
// broken UTF-8) becomes U+FFFD. Numbers are the same under every locale.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/report/utf8.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::svg {

/// With at most `digits` significant digits; "nan" and "inf" as they are, never to be used as a coordinate.
inline std::string number(double value, int digits = 3) {
  if (value == 0) return "0";  // and not "-0"
  char text[64];
  const auto [end, failed] = std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits);
  Ensures(failed == std::errc{});
  return {text, end};
}

/// The next larger number that is pleasant at the end of an axis, at most a third larger; 1 for 0.
inline double round_up(double value) {
  if (!(value > 0)) return 1;
  if (value < 1e-300 || value > 1e300) return value;  // no room for pleasantness
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  for (const double step : {1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 3.2, 4.0, 5.0, 6.0, 8.0}) {
    if (value <= step * power) return step * power;
  }
  return 10 * power;
}

/// A coordinate in pixels, to a hundredth.
inline std::string pixels(double value) {
  Expects(std::isfinite(value));
  return number(std::round(value * 100) / 100, 9);
}

inline std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t begin = position;
    const char32_t character = next_character(text, position);
    const bool broken = character == replacement_character || character == 0xfffe || character == 0xffff;
    if (character == '&') {
      out += "&amp;";
    } else if (character == '<') {
      out += "&lt;";
    } else if (character == '>') {
      out += "&gt;";
    } else if (character == '"') {
      out += "&quot;";
    } else if (character == '\t' || character == '\n' || character == '\r') {
      out += ' ';
    } else if (broken || character < 0x20 || character == 0x7f) {
      out += "\xef\xbf\xbd";
    } else {
      out.append(text.substr(begin, position - begin));
    }
  }
  return out;
}

/// How wide a text is drawn, in pixels, by estimate: a usual sans-serif face.
inline double text_width(std::string_view text, double size) {
  return 0.6 * size * columns_of(text);
}

/// The text, or as much of its beginning as fits `room` pixels, with an ellipsis.
inline std::string shortened(std::string_view text, double size, double room) {
  if (text_width(text, size) <= room) return std::string(text);
  std::size_t kept = 0;
  for (std::size_t position = 0; position < text.size();) {
    next_character(text, position);
    if (text_width(text.substr(0, position), size) + 0.6 * size > room) break;
    kept = position;
  }
  return std::string(text.substr(0, kept)) + "\u2026";
}

/// The text in lines of at most `room` pixels, broken at spaces; a word that is too long is shortened.
inline std::vector<std::string> wrapped(std::string_view text, double size, double room) {
  std::vector<std::string> lines(1);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string word = shortened(text.substr(begin, end - begin), size, room);
    const std::string joined = lines.back().empty() ? word : lines.back() + " " + word;
    if (text_width(joined, size) <= room) {
      lines.back() = joined;
    } else {
      lines.push_back(word);
    }
    begin = end + 1;
  }
  return lines;
}

enum class anchor { start, middle, end };

struct text_style {
  double size = 12;
  anchor at = anchor::start;
  std::string_view extra = {};  // further attributes
};

/// A text whose baseline is at y.
inline std::string text(double x, double y, std::string_view what, const text_style& style = {}) {
  std::string out = "<text x=\"" + pixels(x) + "\" y=\"" + pixels(y) + "\" font-size=\"" + pixels(style.size) + "\"";
  if (style.at == anchor::middle) out += " text-anchor=\"middle\"";
  if (style.at == anchor::end) out += " text-anchor=\"end\"";
  if (!style.extra.empty()) out.append(" ").append(style.extra);
  return out + ">" + escaped(what) + "</text>\n";
}

struct box {
  double x, y, width, height;
};
inline std::string rectangle(const box& area, std::string_view style) {
  return "<rect x=\"" + pixels(area.x) + "\" y=\"" + pixels(area.y) + "\" width=\"" + pixels(area.width) +
         "\" height=\"" + pixels(area.height) + "\" " + std::string(style) + "/>\n";
}

struct point {
  double x, y;
};
inline std::string line(point from, point to, std::string_view style) {
  return "<line x1=\"" + pixels(from.x) + "\" y1=\"" + pixels(from.y) + "\" x2=\"" + pixels(to.x) + "\" y2=\"" +
         pixels(to.y) + "\" " + std::string(style) + "/>\n";
}

/// The whole file: white ground, black text. `title` is what screen readers and browsers call it.
inline std::string document(double width, double height, std::string_view title, std::string_view content) {
  const std::string size = "width=\"" + pixels(width) + "\" height=\"" + pixels(height) + "\"";
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" " + size +
         " viewBox=\"0 0 " + pixels(width) + " " + pixels(height) +
         "\" font-family=\"DejaVu Sans, Verdana, sans-serif\" fill=\"#1a1a1a\" role=\"img\">\n<title>" +
         escaped(title) + "</title>\n<rect " + size + " fill=\"#ffffff\"/>\n" + std::string(content) + "</svg>\n";
}

}  // namespace fissile::svg
