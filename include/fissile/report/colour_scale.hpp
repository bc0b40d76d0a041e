// A colour scale from dark violet over green to yellow whose lightness only grows: it reads the same in greyscale and
// for colour-blind eyes. The control points are those of viridis (van der Walt and Smith 2015, public domain).
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>

namespace fissile {

struct colour {
  std::uint8_t red, green, blue;
  friend bool operator==(const colour&, const colour&) = default;
};

/// "#rrggbb"
inline std::string to_string(colour c) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text = "#";
  for (const std::uint8_t part : {c.red, c.green, c.blue}) {
    text += digits[part / 16];
    text += digits[part % 16];
  }
  return text;
}

/// How light it looks, 0 to 255 (ITU-R BT.709): what remains of it in greyscale.
inline double lightness(colour c) noexcept {
  return 0.2126 * c.red + 0.7152 * c.green + 0.0722 * c.blue;
}

/// The colour at `share` of the scale, from 0 to 1; what lies outside takes the nearer end. NaN: the lower end.
inline colour viridis(double share) noexcept {
  constexpr std::array<std::array<double, 3>, 11> points{{{68, 1, 84},
                                                          {72, 36, 117},
                                                          {65, 68, 135},
                                                          {53, 95, 141},
                                                          {42, 120, 142},
                                                          {33, 145, 140},
                                                          {34, 168, 132},
                                                          {66, 190, 113},
                                                          {122, 209, 81},
                                                          {189, 223, 38},
                                                          {253, 231, 37}}};
  const double at = (share > 0 ? std::min(share, 1.0) : 0.0) * (points.size() - 1);
  const auto first = std::min(static_cast<std::size_t>(at), points.size() - 2);
  const double beyond = at - static_cast<double>(first);
  const auto mix = [&](std::size_t part) {
    const double value = points[first][part] + beyond * (points[first + 1][part] - points[first][part]);
    return static_cast<std::uint8_t>(std::floor(value + 0.5));
  };
  return {mix(0), mix(1), mix(2)};
}

}  // namespace fissile
