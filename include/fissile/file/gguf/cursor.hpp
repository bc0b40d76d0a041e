// Walks over the bytes of a file and never past their end: each refusal names the file, what in it, and the byte.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/file/gguf/value.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace fissile {

class gguf_cursor {
public:
  gguf_cursor(std::string_view bytes, const std::string& path) noexcept : bytes_(bytes), path_(path) {}

  /// What is being read, for messages: `key "general.name"`.
  void enter(std::string subject) { subject_ = std::move(subject); }

  std::uint64_t position() const noexcept { return position_; }
  std::uint64_t rest() const noexcept { return bytes_.size() - position_; }

  template <class N>
  N number() {
    N value;
    std::memcpy(&value, take(sizeof(N)).data(), sizeof(N));
    return value;
  }

  /// The next `count` bytes, borrowed.
  std::string_view take(std::uint64_t count) {
    if (count > rest()) {
      refuse(std::to_string(count) + " more bytes", std::to_string(rest()),
             "the file is cut short or a length in it is wrong");
    }
    const std::string_view taken = bytes_.substr(position_, static_cast<std::size_t>(count));
    position_ += static_cast<std::size_t>(count);
    return taken;
  }

  /// A length and as many bytes.
  std::string_view text() { return take(number<std::uint64_t>()); }

  /// A whole value of `kind`, checked to its end.
  gguf_value value(gguf_kind kind) {
    const std::size_t first = position_;
    skip(kind);
    return {kind, bytes_.substr(first, position_ - first)};
  }

  [[noreturn]] void refuse(std::string expected, std::string got, std::string_view cure = {}) const {
    const std::string where = path_ + ": " + subject_ + " at byte " + std::to_string(position_);
    fail<file_error>({.argument = where, .expected = std::move(expected), .got = std::move(got), .cure = cure});
  }

private:
  void skip(gguf_kind kind) {
    if (kind == gguf_kind::array) {
      const auto element = static_cast<gguf_kind>(number<std::uint32_t>());
      const auto count = number<std::uint64_t>();
      if (element == gguf_kind::array) refuse("an array of numbers or strings", "an array of arrays");
      const std::uint64_t least = element == gguf_kind::string ? 8 : known(element);
      if (count > rest() / least) {
        refuse("at most " + std::to_string(rest() / least) + " elements in the rest of the file",
               std::to_string(count));
      }
      if (element != gguf_kind::string) {
        take(count * least);
      } else {
        for (std::uint64_t i = 0; i < count; ++i) text();
      }
    } else if (kind == gguf_kind::string) {
      text();
    } else {
      take(known(kind));
    }
  }

  std::uint64_t known(gguf_kind kind) const {
    if (size_of(kind) == 0) refuse("one of the thirteen kinds", std::to_string(static_cast<std::uint32_t>(kind)));
    return size_of(kind);
  }

  std::string_view bytes_;
  const std::string& path_;
  std::string subject_ = "header";
  std::size_t position_ = 0;
};

}  // namespace fissile
