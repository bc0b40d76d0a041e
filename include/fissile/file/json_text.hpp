// JSON as text that people can read: an entry a line, but arrays of numbers and strings in one line.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/utf8.hpp>
#include <fissile/file/json_builder.hpp>

#include <algorithm>
#include <string>

namespace fissile {

/// A number, a string, true, false or null. Whole numbers are exact, others are the shortest text that reads back as
/// the same double; NaN and infinities become null.
inline std::string scalar_text(const json_value& value) {
  const std::string text = value.dump(-1, ' ', false, json_value::error_handler_t::replace);
  if (value.is_string() && !is_utf8(value.get_ref<const std::string&>())) {
    fail<file_error>({.argument = "JSON string", .expected = "UTF-8", .got = text});
  }
  return text;
}

inline void append_text(std::string& out, const json_value& value, std::size_t indent) {
  if (!value.is_structured() || value.empty()) {
    out += scalar_text(value);
    return;
  }
  const bool object = value.is_object();
  const bool one_line =
      !object && std::none_of(value.begin(), value.end(), [](const json_value& v) { return v.is_structured(); });
  const std::string between = one_line ? ", " : ",\n" + std::string(indent + 2, ' ');
  out += object ? '{' : '[';
  if (!one_line) out.append("\n").append(indent + 2, ' ');
  for (auto entry = value.begin(); entry != value.end(); ++entry) {
    if (entry != value.begin()) out += between;
    if (object) out += scalar_text(entry.key()) + ": ";
    append_text(out, *entry, indent + 2);
  }
  if (!one_line) out.append("\n").append(indent, ' ');
  out += object ? '}' : ']';
}

/// The whole text, with a line end after it. Throws file_error for a string that is not UTF-8.
inline std::string to_text(const json_value& value) {
  std::string out;
  append_text(out, value, 0);
  return out += '\n';
}

}  // namespace fissile
