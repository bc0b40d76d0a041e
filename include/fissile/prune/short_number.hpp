// Numbers as short text for names and reasons, the same in every locale.
#pragma once

#include <fissile/base/index.hpp>

#include <array>
#include <charconv>
#include <string>

namespace fissile {

/// With up to four significant digits: "0.0031", "1.2e+06".
inline std::string short_number(double value) {
  std::array<char, 32> text;
  const std::to_chars_result written =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 4);
  return {text.data(), written.ptr};
}

/// "1st", "2nd", "3rd", "4th", "11th", "21st".
inline std::string ordinal(index_t place) {
  const index_t last = place % 10;
  const bool teen = place % 100 / 10 == 1;
  const char* ending = teen || last > 3 || last == 0 ? "th" : last == 1 ? "st" : last == 2 ? "nd" : "rd";
  return std::to_string(place) + ending;
}

}  // namespace fissile
