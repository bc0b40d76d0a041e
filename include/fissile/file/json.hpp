// Reading and writing JSON as this library's files need it: strict, exact in whole numbers, whole files or none.
//
// Every refusal is a file_error that names the file, and the byte or the entry. Include it where nlohmann-json is
// there.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>
#include <fissile/file/atomic_file.hpp>
#include <fissile/file/json_builder.hpp>
#include <fissile/file/json_text.hpp>
#include <fissile/file/mapped_file.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fissile {

/// The value of a JSON text. `where` names it in refusals: a path.
inline json_value parse_json(std::string_view text, const std::string& where) {
  json_value value;
  json_builder builder{value};
  std::size_t passed = 0;
  const counting_iterator first{text.data(), passed}, last{text.data() + text.size(), passed};
  if (!json_value::sax_parse(first, last, &builder)) {
    fail<file_error>(where + ": byte " + std::to_string(passed) + ": " + builder.complaint());
  }
  return value;
}

inline json_value read_json(const std::string& path) {
  return parse_json(mapped_file{path}.bytes(), path);
}

/// Beside the target first, then renamed over it: the file appears whole or not at all.
inline void write_json(const std::string& path, const json_value& value) {
  write_file_atomically(path, to_text(value));
}

template <class T>
inline constexpr bool is_json_list = false;
template <class T>
inline constexpr bool is_json_list<std::vector<T>> = true;

[[noreturn]] inline void refuse_json(const json_value& value, const char* expected, const std::string& where) {
  const auto replace = json_value::error_handler_t::replace;
  fail<file_error>({.argument = where,
                    .expected = expected,
                    .got = value.is_structured() ? value.type_name() : value.dump(-1, ' ', true, replace)});
}

/// The value as a T: bool, a whole number that T holds exactly, double (of any number; null is NaN), std::string, or
/// std::vector of these. `where` names it in refusals: "counts.json: layers".
template <class T>
T json_as(const json_value& value, const std::string& where) {
  if constexpr (is_json_list<T>) {
    if (!value.is_array()) refuse_json(value, "a list", where);
    T list;
    list.reserve(value.size());
    for (const json_value& one : value) {
      list.push_back(json_as<typename T::value_type>(one, where + "[" + std::to_string(list.size()) + "]"));
    }
    return list;
  } else if constexpr (std::same_as<T, bool>) {
    if (!value.is_boolean()) refuse_json(value, "true or false", where);
    return value.template get<bool>();
  } else if constexpr (std::integral<T>) {
    if (value.is_number_unsigned()) {
      const auto number = value.template get<std::uint64_t>();
      if (std::in_range<T>(number)) return static_cast<T>(number);
    } else if (value.is_number_integer()) {
      const auto number = value.template get<std::int64_t>();
      if (std::in_range<T>(number)) return static_cast<T>(number);
    }
    refuse_json(value, std::is_unsigned_v<T> ? "a whole number, not negative" : "a whole number", where);
  } else if constexpr (std::same_as<T, double>) {
    if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
    if (!value.is_number()) refuse_json(value, "a number", where);
    return value.template get<double>();
  } else {
    static_assert(std::same_as<T, std::string>, "json_as: bool, whole numbers, double, std::string, std::vector");
    if (!value.is_string()) refuse_json(value, "a string", where);
    return value.template get<std::string>();
  }
}

/// The entry `key` of an object; its other entries are left alone.
inline const json_value& require_entry(const json_value& object, std::string_view key, const std::string& where) {
  const auto found = object.is_object() ? object.find(std::string(key)) : object.end();
  if (found == object.end()) {
    fail<file_error>({.argument = where,
                      .expected = "an object with \"" + std::string(key) + "\"",
                      .got = object.is_object() ? "one without" : object.type_name()});
  }
  return *found;
}
template <class T>
T require(const json_value& object, std::string_view key, const std::string& where) {
  return json_as<T>(require_entry(object, key, where), where + ": " + std::string(key));
}

/// Refuses a file of another kind, or written by a later library in a way this one cannot know.
/// Every file of ours begins with "schema", what it is, and "version", a whole number from 1.
inline void require_schema(const json_value& object, std::string_view schema, std::uint64_t newest_version,
                           const std::string& where) {
  const auto found = require<std::string>(object, "schema", where);
  if (found != schema) {
    fail<file_error>({.argument = where + ": schema", .expected = std::string(schema), .got = found});
  }
  const auto version = require<std::uint64_t>(object, "version", where);
  if (version < 1 || version > newest_version) {
    fail<file_error>({.argument = where + ": version",
                      .expected = "from 1 to " + std::to_string(newest_version),
                      .got = std::to_string(version),
                      .cure = "the file may be of a later release"});
  }
}

/// Runs `body`; what it refuses as a wrong shape or setting is the file's fault here.
template <class Body>
auto as_file_error([[maybe_unused]] const std::string& where, Body&& body) {
#if defined(__cpp_exceptions)
  try {
    return body();
  } catch (const shape_error& refused) {
    fail<file_error>(where + ": " + refused.what());
  } catch (const setting_error& refused) {
    fail<file_error>(where + ": " + refused.what());
  }
#else
  return body();
#endif
}

}  // namespace fissile
