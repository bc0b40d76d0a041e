// Errors: one seam, `fail`, through which every refusal of the library goes.
//
// What a caller may get wrong once (a shape, a setting, a file) is refused by a typed exception that names the
// argument, what was expected, what came and the likely cure. What must hold at every call is a contract, `Expects`
// of GSL, in O(1): breaking it ends the program. Odd data (a NaN, a tie, nothing chosen) is never an error.
#pragma once

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0)
#error \
    "fissile: -ffast-math takes away NaN and the order of sums, on which results rest; compile these files without it"
#endif

#include <gsl/assert>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace fissile {

/// The base of all errors thrown by the library.
struct error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Views whose shapes do not fit together.
struct shape_error : error {
  using error::error;
};
/// A setting or an argument that cannot be honoured.
struct setting_error : error {
  using error::error;
};
/// A file that cannot be read or written; names the file, what in it, and the byte where known.
struct file_error : error {
  using error::error;
};

/// What a refusal says; written as `argument: expected ..., got ...; cure`.
struct complaint {
  std::string_view argument;  // who is refused, as the caller wrote it: "even_slices: experts"
  std::string expected;
  std::string got;
  std::string_view cure = {};  // the likely mistake and what to do; may be empty
};

inline std::string to_string(const complaint& what) {
  std::string text{what.argument};
  text += ": expected " + what.expected + ", got " + what.got;
  if (!what.cure.empty()) text.append("; ").append(what.cure);
  return text;
}

/// The one seam: throws `Error`, or, where exceptions are off, prints the message and ends the program.
template <class Error>
[[noreturn]] inline void fail(const std::string& message) {
#if defined(__cpp_exceptions)
  throw Error(message);
#else
  std::fprintf(stderr, "fissile: %s\n", message.c_str());
  std::abort();
#endif
}

template <class Error>
[[noreturn]] inline void fail(const complaint& what) {
  fail<Error>(to_string(what));
}

}  // namespace fissile
