// A tensor that waits to be written: bytes borrowed from somewhere, at any distance of rows, or made when its turn
// comes.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/file/atomic_file.hpp>
#include <fissile/file/gguf/listing.hpp>

#include <cstdint>
#include <functional>
#include <string>

namespace fissile {

/// What a tensor of this shape takes in a file; 0 for types whose size is not known.
inline std::uint64_t gguf_bytes_of(const gguf_tensor& shape) noexcept {
  const gguf_type_layout layout = layout_of(shape.type);
  if (layout.block == 0) return 0;
  return static_cast<std::uint64_t>(shape.rows()) * (static_cast<std::uint64_t>(shape.columns()) / layout.block) *
         layout.bytes;
}

struct pending_gguf_tensor {
  const char* data = nullptr;
  std::size_t rows = 1, row_bytes = 0, stride = 0;  // `rows` pieces of `row_bytes`, `stride` bytes apart
  std::function<std::string()> make = {};           // instead of `data`
  std::string name = {};
  gguf_tensor shape = {};  // its name is empty

  std::uint64_t bytes() const noexcept { return std::uint64_t{rows} * row_bytes; }

  /// Throws file_error where other bytes were made than the shape needs.
  void write(atomic_file& out) const {
    if (!make) {
      for (std::size_t row = 0; row < rows; ++row) out.write({data + row * stride, row_bytes});
      return;
    }
    const std::string made = make();
    if (made.size() != row_bytes) {
      fail<file_error>({.argument = "gguf_writer: " + gguf_detail::quoted("tensor", name),
                        .expected = std::to_string(row_bytes) + " bytes to be made",
                        .got = std::to_string(made.size())});
    }
    out.write(made);
  }
};

}  // namespace fissile
