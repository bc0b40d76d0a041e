// What a safetensors file says of itself before its data: names, types, shapes and places, each checked before it is
// believed.
//
// Format: eight bytes with the length of the header, little-endian; the header, JSON of at most 100 MB; the data. Every
// byte of the data belongs to exactly one tensor: no holes, no overlaps (huggingface/safetensors, README).
#pragma once

#include <fissile/base/index.hpp>
#include <fissile/file/json.hpp>
#include <fissile/file/safetensors/type.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile {

/// A tensor as the file lists it. Row-major: a linear layer is [rows x columns] = [outputs x inputs].
struct safetensors_tensor {
  std::string name = {};
  std::string type = {};            // as in the file: "F32", "BF16"
  std::vector<index_t> shape = {};  // slowest first; none for a single number
  std::uint64_t offset = 0;         // of the first byte, in the file
  std::uint64_t bytes = 0;

  /// Dimensions before the last are stacked rows; a vector is one row.
  index_t columns() const noexcept { return shape.empty() ? 1 : shape.back(); }
  index_t rows() const noexcept {
    index_t product = 1;
    for (std::size_t i = 0; i + 1 < shape.size(); ++i) product *= shape[i];
    return product;
  }
  index_t count() const noexcept { return rows() * columns(); }
};

/// What stands before the data; tensors in the order of the header.
struct safetensors_listing {
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<safetensors_tensor> tensors;
  std::map<std::string, std::size_t, std::less<>> tensor_of;
};

/// Some writers of old left a few bytes behind the last tensor.
enum class trailing_bytes { refused, allowed };

namespace safetensors_detail {

inline constexpr std::uint64_t longest_header = 100'000'000;

inline std::string place(const std::string& path, std::string_view name) {
  return path + ": tensor \"" + std::string{name} + "\"";
}

/// The bytes of so many numbers, or a refusal where no file could hold them.
inline std::uint64_t extent_of(const safetensors_tensor& tensor, const std::string& where) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<index_t>::max());
  std::uint64_t product = std::max<std::uint64_t>(1, safetensors_size(tensor.type));
  bool empty = false;
  for (const index_t extent : tensor.shape) {
    if (extent < 0)
      fail<file_error>({.argument = where, .expected = "extents of at least 0", .got = std::to_string(extent)});
    empty = empty || extent == 0;
    // An empty tensor's other extents may not overflow a later product either.
    const std::uint64_t factor = extent == 0 ? 1 : static_cast<std::uint64_t>(extent);
    if (product > most / factor) {
      fail<file_error>({.argument = where, .expected = "fewer than 2^63 bytes", .got = "a shape beyond them"});
    }
    product *= factor;
  }
  return empty ? 0 : product;
}

/// One entry of the header; offsets are in the data yet.
inline safetensors_tensor tensor_from(const std::string& name, const json_value& entry, const std::string& where) {
  safetensors_tensor tensor{.name = name,
                            .type = require<std::string>(entry, "dtype", where),
                            .shape = require<std::vector<index_t>>(entry, "shape", where)};
  const auto range = require<std::vector<std::uint64_t>>(entry, "data_offsets", where);
  if (range.size() != 2 || range[0] > range[1]) {
    fail<file_error>({.argument = where + ": data_offsets", .expected = "begin and end", .got = "another list"});
  }
  tensor.offset = range[0];
  tensor.bytes = range[1] - range[0];
  const std::uint64_t wanted = extent_of(tensor, where);
  if (safetensors_size(tensor.type) != 0 && wanted != tensor.bytes) {
    fail<file_error>({.argument = where,
                      .expected = std::to_string(wanted) + " bytes for its shape in " + tensor.type,
                      .got = std::to_string(tensor.bytes)});
  }
  return tensor;
}

/// Every byte of the data in exactly one tensor; then offsets become those in the file.
inline void place_tensors(safetensors_listing& out, std::uint64_t data, std::uint64_t size, const std::string& path) {
  std::vector<safetensors_tensor*> order;
  for (safetensors_tensor& tensor : out.tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair{a->offset, a->bytes} < std::pair{b->offset, b->bytes};
  });
  std::uint64_t covered = 0;
  for (safetensors_tensor* tensor : order) {
    if (tensor->offset != covered) {
      fail<file_error>(
          {.argument = place(path, tensor->name) + " at byte " + std::to_string(data + tensor->offset),
           .expected = "data from byte " + std::to_string(data + covered) + " on, where the one before ends",
           .got = tensor->offset < covered ? "bytes that also belong to another" : "a hole"});
    }
    if (tensor->bytes > size - covered) {
      fail<file_error>({.argument = place(path, tensor->name) + " at byte " + std::to_string(data + tensor->offset),
                        .expected = std::to_string(tensor->bytes) + " bytes",
                        .got = std::to_string(size - covered) + " to the end of the file",
                        .cure = "the file is cut short"});
    }
    covered += tensor->bytes;
    tensor->offset += data;
  }
  if (covered != size) {
    fail<file_error>({.argument = path,
                      .expected = "the end at byte " + std::to_string(data + covered) + ", behind the last tensor",
                      .got = std::to_string(data + size) + " bytes",
                      .cure = "trailing_bytes::allowed reads such a file"});
  }
}

}  // namespace safetensors_detail

/// Reads and checks all that stands before the data. `path` is for messages.
inline safetensors_listing list_safetensors(std::string_view bytes, const std::string& path, trailing_bytes trailing) {
  using namespace safetensors_detail;
  std::uint64_t header = 0;
  if (bytes.size() < sizeof header) {
    fail<file_error>({.argument = path, .expected = "eight bytes with the header's length", .got = "a file too short"});
  }
  for (std::size_t i = sizeof header; i-- > 0;) header = header << 8 | static_cast<unsigned char>(bytes[i]);
  if (header > longest_header || header > bytes.size() - sizeof header || bytes.substr(sizeof header, 1) != "{") {
    fail<file_error>({.argument = path + ": header",
                      .expected = "a JSON object of at most 100 MB inside the file",
                      .got = std::to_string(header) + " bytes in a file of " + std::to_string(bytes.size()),
                      .cure = "it may be another kind of file"});
  }
  const json_value entries = parse_json(bytes.substr(sizeof header, header), path + ": header");
  safetensors_listing out;
  for (auto entry = entries.begin(); entry != entries.end(); ++entry) {
    if (entry.key() == "__metadata__") {
      if (!entry->is_object()) refuse_json(*entry, "an object of strings", path + ": __metadata__");
      for (auto pair = entry->begin(); pair != entry->end(); ++pair) {
        out.metadata.emplace_back(pair.key(), json_as<std::string>(*pair, path + ": __metadata__: " + pair.key()));
      }
      continue;
    }
    out.tensor_of.emplace(entry.key(), out.tensors.size());
    out.tensors.push_back(tensor_from(entry.key(), *entry, place(path, entry.key())));
  }
  const std::uint64_t data = sizeof header + header;
  std::uint64_t size = bytes.size() - data;
  if (trailing == trailing_bytes::allowed) {
    std::uint64_t end = 0;
    for (const safetensors_tensor& tensor : out.tensors) end = std::max(end, tensor.offset + tensor.bytes);
    size = std::min(size, end);
  }
  place_tensors(out, data, size, path);
  return out;
}

}  // namespace fissile
