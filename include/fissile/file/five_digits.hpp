// The numbers in the names of a file's parts: 00001, as llama.cpp and Hugging Face write them.
#pragma once

#include <cstddef>
#include <string>

namespace fissile {

/// Five digits, or more where they do not hold the number.
inline std::string five_digits(std::size_t number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits;
}

}  // namespace fissile
