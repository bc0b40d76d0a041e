// Bytes that wait to be written: borrowed from somewhere, at any distance of rows, or made when their turn comes.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/file/atomic_file.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace fissile {

struct pending_bytes {
  const char* data = nullptr;
  std::size_t rows = 1, row_bytes = 0, stride = 0;  // `rows` pieces of `row_bytes`, `stride` bytes apart
  std::function<std::string()> make = {};           // instead of `data`

  std::uint64_t size() const noexcept { return std::uint64_t{rows} * row_bytes; }

  /// Throws file_error, with `where` for its argument, where other bytes were made than were promised.
  void write(atomic_file& out, const std::string& where) const {
    if (!make) {
      for (std::size_t row = 0; row < rows; ++row) out.write({data + row * stride, row_bytes});
      return;
    }
    const std::string made = make();
    if (made.size() != row_bytes) {
      fail<file_error>({.argument = where,
                        .expected = std::to_string(row_bytes) + " bytes to be made",
                        .got = std::to_string(made.size())});
    }
    out.write(made);
  }
};

}  // namespace fissile
