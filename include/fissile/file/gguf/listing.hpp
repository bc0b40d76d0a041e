// What a GGUF file says of itself before its data: keys and tensors, each checked before it is believed.
//
// Format: version 3 of docs/gguf.md in ggml's repository; version 2 has the same layout. Limits as in llama.cpp: at
// most four dimensions, names of at most 63 bytes, no arrays of arrays, offsets that are multiples of the alignment.
#pragma once

#include <fissile/base/index.hpp>
#include <fissile/file/gguf/cursor.hpp>
#include <fissile/file/gguf/type.hpp>
#include <fissile/file/gguf/value.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fissile {

/// One metadata key; borrowed from the file.
struct gguf_entry {
  std::string_view key;
  gguf_value value;
};

/// A tensor as the file lists it; the name is borrowed from the file.
struct gguf_tensor {
  std::string_view name;
  gguf_type type = {};
  std::array<index_t, 4> extents = {1, 1, 1, 1};  // fastest first, as ggml's ne
  std::uint32_t dimensions = 0;
  std::uint64_t offset = 0;  // of the first byte, in the file
  std::uint64_t bytes = 0;   // 0 when the type's size is not known

  /// A linear layer is [rows x columns] = [outputs x inputs]; further dimensions are stacked rows; a vector is one row.
  index_t columns() const noexcept { return extents[0]; }
  index_t rows() const noexcept { return extents[1] * extents[2] * extents[3]; }
  index_t count() const noexcept { return rows() * columns(); }
};

/// Everything before the data, in the file's order, and where each name is found.
struct gguf_listing {
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;
  std::vector<gguf_entry> entries;
  std::vector<gguf_tensor> tensors;
  std::map<std::string_view, std::size_t> entry_of;
  std::map<std::string_view, std::size_t> tensor_of;
};

namespace gguf_detail {

inline constexpr std::uint64_t longest_name = 63;  // ggml keeps 64 bytes, the last is 0

inline std::string quoted(std::string_view what, std::string_view name) {
  return std::string{what} + " \"" + std::string{name} + "\"";
}

inline void read_entries(gguf_cursor& cursor, std::uint64_t count, gguf_listing& out) {
  for (std::uint64_t number = 0; number < count; ++number) {
    cursor.enter("key " + std::to_string(number));
    const std::string_view key = cursor.text();
    if (key.empty() || key.find('\0') != key.npos) cursor.refuse("a name without zero bytes", "none");
    cursor.enter(quoted("key", key));
    if (!out.entry_of.emplace(key, out.entries.size()).second) cursor.refuse("each key once", "it again");
    const auto kind = static_cast<gguf_kind>(cursor.number<std::uint32_t>());
    out.entries.push_back({key, cursor.value(kind)});
  }
  if (const auto found = out.entry_of.find("general.alignment"); found != out.entry_of.end()) {
    cursor.enter("key \"general.alignment\"");
    const auto alignment = out.entries[found->second].value.as<std::uint32_t>();
    if (!alignment || *alignment < 8 || !std::has_single_bit(*alignment)) {
      cursor.refuse("a power of two, at least 8",
                    alignment ? std::to_string(*alignment) : to_string(out.entries[found->second].value));
    }
    out.alignment = *alignment;
  }
}

/// The bytes a tensor takes; refuses products that no file could hold.
inline std::uint64_t extent_of(const gguf_cursor& cursor, const gguf_tensor& tensor) {
  std::uint64_t count = 1;
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<index_t>::max());
  // A tensor with a zero extent is empty, but its other extents may not overflow a later product either.
  for (const index_t extent : tensor.extents) {
    const std::uint64_t factor = extent == 0 ? 1 : static_cast<std::uint64_t>(extent);
    if (count > most / factor) cursor.refuse("fewer than 2^63 numbers", "a product of extents beyond it");
    count *= factor;
  }
  if (tensor.count() == 0) return 0;
  const gguf_type_layout layout = layout_of(tensor.type);
  if (layout.block == 0) return 0;
  if (static_cast<std::uint64_t>(tensor.columns()) % layout.block != 0) {
    cursor.refuse("rows of whole blocks of " + std::to_string(layout.block) + " numbers for " + to_string(tensor.type),
                  std::to_string(tensor.columns()) + " columns");
  }
  const std::uint64_t blocks = count / layout.block;
  if (blocks > most / layout.bytes) cursor.refuse("fewer than 2^63 bytes", "a tensor beyond them");
  return blocks * layout.bytes;
}

inline void read_tensor(gguf_cursor& cursor, std::uint64_t number, gguf_listing& out) {
  cursor.enter("tensor " + std::to_string(number));
  gguf_tensor tensor;
  tensor.name = cursor.text();
  if (tensor.name.size() > longest_name || tensor.name.find('\0') != tensor.name.npos) {
    cursor.refuse("a name of at most 63 bytes, none of them zero", std::to_string(tensor.name.size()) + " bytes");
  }
  cursor.enter(quoted("tensor", tensor.name));
  if (!out.tensor_of.emplace(tensor.name, out.tensors.size()).second) cursor.refuse("each name once", "it again");
  tensor.dimensions = cursor.number<std::uint32_t>();
  if (tensor.dimensions > 4) cursor.refuse("at most 4 dimensions", std::to_string(tensor.dimensions));
  for (std::uint32_t dimension = 0; dimension < tensor.dimensions; ++dimension) {
    const auto extent = cursor.number<std::int64_t>();
    if (extent < 0) cursor.refuse("extents of at least 0", std::to_string(extent));
    tensor.extents[dimension] = static_cast<index_t>(extent);
  }
  tensor.type = static_cast<gguf_type>(cursor.number<std::uint32_t>());
  tensor.bytes = extent_of(cursor, tensor);
  tensor.offset = cursor.number<std::uint64_t>();  // in the data yet
  if (tensor.offset % out.alignment != 0) {
    cursor.refuse("an offset that is a multiple of " + std::to_string(out.alignment), std::to_string(tensor.offset));
  }
  out.tensors.push_back(tensor);
}

/// Every tensor inside the data, and no two in the same bytes.
inline void place_tensors(gguf_cursor& cursor, gguf_listing& out) {
  if (out.tensors.empty()) return;
  cursor.enter("data");
  cursor.take((out.alignment - cursor.position() % out.alignment) % out.alignment);
  const std::uint64_t data = cursor.position(), size = cursor.rest();
  std::vector<const gguf_tensor*> order;
  for (gguf_tensor& tensor : out.tensors) {
    if (tensor.offset > size || tensor.bytes > size - tensor.offset) {
      cursor.enter(quoted("tensor", tensor.name));
      cursor.refuse(std::to_string(tensor.bytes) + " bytes from byte " + std::to_string(tensor.offset) + " of the data",
                    std::to_string(size) + " bytes of data in all", "the file is cut short or an extent is wrong");
    }
    tensor.offset += data;
    // Of a type without a known size, all that is sure is that it begins somewhere.
    if (tensor.bytes > 0 || (tensor.count() > 0 && layout_of(tensor.type).block == 0)) order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->offset < b->offset; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const gguf_tensor& before = *order[i - 1];
    if (std::max<std::uint64_t>(before.bytes, 1) <= order[i]->offset - before.offset) continue;
    cursor.enter(quoted("tensor", order[i]->name));
    cursor.refuse("bytes of its own from byte " + std::to_string(order[i]->offset),
                  "bytes that also belong to " + quoted("tensor", before.name));
  }
}

}  // namespace gguf_detail

/// Reads and checks all that stands before the data. The listing borrows from `bytes`; `path` is for messages.
inline gguf_listing list_gguf(std::string_view bytes, const std::string& path) {
  gguf_listing out;
  gguf_cursor cursor{bytes, path};
  if (!bytes.starts_with("GGUF")) {
    cursor.refuse("GGUF, the mark of the kind of file", bytes.size() < 4 ? "a file too short for it" : "another kind");
  }
  cursor.take(4);
  out.version = cursor.number<std::uint32_t>();
  if (out.version != 2 && out.version != 3) {
    cursor.refuse("version 2 or 3", std::to_string(out.version), "a big-endian or very old file must be converted");
  }
  const auto tensors = cursor.number<std::uint64_t>();
  const auto entries = cursor.number<std::uint64_t>();
  // The least that one takes: a key its length, one letter, its kind and one byte; a tensor its empty name and numbers.
  if (entries > cursor.rest() / 14 || tensors > (cursor.rest() - entries * 14) / 24) {
    cursor.refuse("as many keys and tensors as the file has room for",
                  std::to_string(entries) + " keys and " + std::to_string(tensors) + " tensors");
  }
  gguf_detail::read_entries(cursor, entries, out);
  for (std::uint64_t number = 0; number < tensors; ++number) gguf_detail::read_tensor(cursor, number, out);
  gguf_detail::place_tensors(cursor, out);
  return out;
}

}  // namespace fissile
