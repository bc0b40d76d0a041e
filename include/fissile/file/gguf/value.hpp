// The metadata values of GGUF: thirteen kinds, kept as the bytes the file holds and decoded when asked for.
//
// Keeping the bytes makes a copied key exact, whatever its kind, and an array of a million tokens cheap until it is
// wanted. Integers convert to any integer type that their value fits; a float never becomes an integer.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fissile {

static_assert(std::endian::native == std::endian::little, "GGUF files are little-endian and read without swapping");

enum class gguf_kind : std::uint32_t {
  uint8,
  int8,
  uint16,
  int16,
  uint32,
  int32,
  float32,
  boolean,
  string,
  array,
  uint64,
  int64,
  float64
};
inline constexpr std::uint32_t gguf_kinds = 13;

constexpr std::string_view name_of(gguf_kind kind) noexcept {
  constexpr std::array<std::string_view, gguf_kinds> names{"uint8",  "int8",    "uint16", "int16",  "uint32",
                                                           "int32",  "float32", "bool",   "string", "array",
                                                           "uint64", "int64",   "float64"};
  const auto number = static_cast<std::uint32_t>(kind);
  return number < gguf_kinds ? names[number] : "unknown kind";
}

/// Bytes of one value; 0 for strings and arrays, whose length is written before them.
constexpr std::uint64_t size_of(gguf_kind kind) noexcept {
  constexpr std::array<std::uint8_t, gguf_kinds> sizes{1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  const auto number = static_cast<std::uint32_t>(kind);
  return number < gguf_kinds ? sizes[number] : 0;
}

template <class T>
inline constexpr bool is_gguf_array = false;
template <class T>
inline constexpr bool is_gguf_array<std::vector<T>> = true;

/// The kind that values of type T are written as.
template <class T>
constexpr gguf_kind kind_of() noexcept {
  if constexpr (is_gguf_array<T>) {
    return gguf_kind::array;
  } else if constexpr (std::convertible_to<T, std::string_view>) {
    return gguf_kind::string;
  } else if constexpr (std::same_as<T, bool>) {
    return gguf_kind::boolean;
  } else if constexpr (std::floating_point<T>) {
    static_assert(sizeof(T) <= 8, "GGUF holds float and double");
    return sizeof(T) == 4 ? gguf_kind::float32 : gguf_kind::float64;
  } else {
    static_assert(std::integral<T>, "a metadata value is a number, a bool, a string or a std::vector of these");
    constexpr gguf_kind kinds[4][2] = {{gguf_kind::uint8, gguf_kind::int8},
                                       {gguf_kind::uint16, gguf_kind::int16},
                                       {gguf_kind::uint32, gguf_kind::int32},
                                       {gguf_kind::uint64, gguf_kind::int64}};
    return kinds[std::countr_zero(sizeof(T))][std::is_signed_v<T> ? 1 : 0];
  }
}

/// The bytes of one value: of an array, its element kind, its length and its elements.
template <class T>
void encode(std::string& out, const T& value) {
  const auto append = [&out](auto number) { out.append(reinterpret_cast<const char*>(&number), sizeof number); };
  if constexpr (is_gguf_array<T>) {
    using element = typename T::value_type;
    static_assert(!is_gguf_array<element>, "arrays of arrays are not written: llama.cpp refuses them");
    append(static_cast<std::uint32_t>(kind_of<element>()));
    append(static_cast<std::uint64_t>(value.size()));
    for (const auto& one : value) encode<element>(out, one);
  } else if constexpr (kind_of<T>() == gguf_kind::string) {
    const std::string_view text{value};
    append(static_cast<std::uint64_t>(text.size()));
    out.append(text);
  } else {
    append(value);
  }
}

/// A value in a file, borrowed from it. Its bytes were checked when the file was opened.
class gguf_value {
public:
  gguf_value(gguf_kind kind, std::string_view bytes) noexcept : kind_(kind), bytes_(bytes) {}

  gguf_kind kind() const noexcept { return kind_; }
  /// As in the file, without the kind before it.
  std::string_view bytes() const noexcept { return bytes_; }
  /// Of the elements, when this is an array; else the kind itself.
  gguf_kind element_kind() const noexcept {
    return kind_ == gguf_kind::array ? static_cast<gguf_kind>(number_at<std::uint32_t>(0)) : kind_;
  }
  /// Elements of an array; 1 for all else.
  std::uint64_t count() const noexcept { return kind_ == gguf_kind::array ? number_at<std::uint64_t>(4) : 1; }

  /// The value as a number, bool, std::string, std::string_view (borrowed) or std::vector of these; nothing when it is
  /// of another kind or does not fit. An empty array is an empty array of anything.
  template <class T>
  std::optional<T> as() const {
    std::size_t position = 0;
    if constexpr (is_gguf_array<T>) {
      if (kind_ != gguf_kind::array) return std::nullopt;
      position = 12;
      T elements;
      for (std::uint64_t i = 0; i < count(); ++i) {
        const auto one = decode<typename T::value_type>(element_kind(), position);
        if (!one) return std::nullopt;
        elements.push_back(*one);
      }
      return elements;
    } else {
      return decode<T>(kind_, position);
    }
  }

private:
  template <class N>
  N number_at(std::size_t position) const noexcept {
    N number;
    std::memcpy(&number, bytes_.data() + position, sizeof number);
    return number;
  }

  template <class T>
  std::optional<T> decode(gguf_kind kind, std::size_t& position) const {
    if constexpr (std::constructible_from<T, std::string_view>) {
      if (kind != gguf_kind::string) return std::nullopt;
      const auto length = static_cast<std::size_t>(number_at<std::uint64_t>(position));
      position += 8 + length;
      return T{bytes_.substr(position - length, length)};
    } else {
      const std::size_t at = position;
      position += static_cast<std::size_t>(size_of(kind));
      switch (kind) {
        case gguf_kind::uint8:
          return convert<T>(number_at<std::uint8_t>(at));
        case gguf_kind::int8:
          return convert<T>(number_at<std::int8_t>(at));
        case gguf_kind::uint16:
          return convert<T>(number_at<std::uint16_t>(at));
        case gguf_kind::int16:
          return convert<T>(number_at<std::int16_t>(at));
        case gguf_kind::uint32:
          return convert<T>(number_at<std::uint32_t>(at));
        case gguf_kind::int32:
          return convert<T>(number_at<std::int32_t>(at));
        case gguf_kind::float32:
          return convert<T>(number_at<float>(at));
        case gguf_kind::boolean:
          return convert<T>(number_at<std::uint8_t>(at) != 0);
        case gguf_kind::uint64:
          return convert<T>(number_at<std::uint64_t>(at));
        case gguf_kind::int64:
          return convert<T>(number_at<std::int64_t>(at));
        case gguf_kind::float64:
          return convert<T>(number_at<double>(at));
        case gguf_kind::string:
        case gguf_kind::array:
          break;
      }
      return std::nullopt;
    }
  }

  template <class T, class N>
  static std::optional<T> convert(N number) noexcept {
    if constexpr (std::same_as<T, bool> || std::same_as<N, bool>) {
      if constexpr (std::same_as<T, N>) return number;
    } else if constexpr (std::floating_point<T> && std::floating_point<N>) {
      return static_cast<T>(number);
    } else if constexpr (std::integral<T> && std::integral<N>) {
      if (std::in_range<T>(number)) return static_cast<T>(number);
    }
    return std::nullopt;
  }

  gguf_kind kind_;
  std::string_view bytes_;
};

/// "uint32", "array of string", for messages.
inline std::string to_string(const gguf_value& value) {
  if (value.kind() != gguf_kind::array) return std::string{name_of(value.kind())};
  return "array of " + std::to_string(value.count()) + " " + std::string{name_of(value.element_kind())};
}

}  // namespace fissile
