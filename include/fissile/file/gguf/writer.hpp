// Writes a GGUF file: a new one, or a changed copy of another. The target appears whole or not at all.
//
//   gguf_writer out;
//   out.copy_entries(old);
//   out.set("llama.feed_forward_length", std::uint32_t{432});
//   out.copy(old, "output_norm.weight");
//   out.add("blk.0.ffn_up.weight", matrix_view<const bf16>{up, 432, 192});
//   out.save("smaller.gguf");
//
// Tensors are borrowed until `save`; only their names and shapes are kept. Those that are made at that moment, one
// after another, need the memory of one. Keys and tensors keep the order in which they came, so that reading and
// writing again gives the same bytes.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/view.hpp>
#include <fissile/file/atomic_file.hpp>
#include <fissile/file/gguf/listing.hpp>
#include <fissile/file/gguf/reader.hpp>
#include <fissile/file/gguf/split_names.hpp>
#include <fissile/file/pending_bytes.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace fissile {

class gguf_writer {
public:
  /// A number, bool, string or std::vector of these; replaces in place a value that the key had.
  template <class T>
  void set(std::string_view key, const T& value) {
    std::string bytes;
    encode(bytes, value);
    set(key, gguf_value{kind_of<T>(), bytes});
  }
  void set(std::string_view key, const gguf_value& value) {
    if (key.empty() || key.size() > 65535 || key.find('\0') != key.npos) {
      refuse("key", key, "1 to 65535 bytes, none of them zero", std::to_string(key.size()) + " bytes");
    }
    const auto found = std::find_if(entries_.begin(), entries_.end(), [&](const entry& one) { return one.key == key; });
    entry& target = found == entries_.end() ? entries_.emplace_back() : *found;
    target = {std::string{key}, value.kind(), std::string{value.bytes()}};
  }
  /// All keys of a gguf_file or gguf_model, in its order; single ones may be set or dropped afterwards.
  template <class File>
  void copy_entries(const File& file) {
    for (const gguf_entry& one : file.entries()) set(one.key, one.value);
  }
  /// Nothing happens when the key is not there.
  void drop(std::string_view key) {
    std::erase_if(entries_, [&](const entry& one) { return one.key == key; });
  }

  /// A linear layer, [rows x columns] at any row stride; it may be empty.
  template <class T>
  requires gguf_element<std::remove_const_t<T>>
  void add(std::string_view name, matrix_view<T> matrix) {
    gguf_tensor shape{.name = name, .type = type_of<std::remove_const_t<T>>(), .dimensions = 2};
    shape.extents = {matrix.columns(), matrix.rows(), 1, 1};
    const std::size_t row_bytes = to_size(matrix.columns()) * sizeof(T);
    append(shape, {.data = reinterpret_cast<const char*>(matrix.data()),
                   .rows = to_size(matrix.rows()),
                   .row_bytes = row_bytes,
                   .stride = to_size(matrix.row_stride()) * sizeof(T)});
  }
  /// A vector: one dimension.
  template <class T>
  requires gguf_element<std::remove_const_t<T>>
  void add(std::string_view name, vector_view<T> numbers) {
    gguf_tensor shape{.name = name, .type = type_of<std::remove_const_t<T>>(), .dimensions = 1};
    shape.extents = {numbers.length(), 1, 1, 1};
    add(shape, {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)});
  }
  /// Bytes of any type whose size is known, shaped as `shape` says; its place in a file does not matter.
  void add(const gguf_tensor& shape, std::string_view bytes) {
    append(shape, {.data = bytes.data(), .rows = 1, .row_bytes = bytes.size(), .stride = 0});
  }
  /// Bytes that `make` returns when their turn to be written comes, and at each `save` again.
  void add(const gguf_tensor& shape, std::function<std::string()> make) {
    append(shape, {.data = nullptr, .rows = 1, .row_bytes = bytes_of(shape), .make = std::move(make)});
  }
  /// A tensor of a gguf_file or gguf_model as it is, under a new name if one is given.
  template <class File>
  void copy(const File& file, std::string_view name, std::string_view new_name = {}) {
    gguf_tensor shape = file.tensor(name);
    if (!new_name.empty()) shape.name = new_name;
    add(shape, file.raw(name));
  }

  void save(const std::string& path) const {
    const std::uint64_t alignment = chosen_alignment();
    atomic_file out{path};
    out.write(header(alignment));
    for (const tensor& one : tensors_) {
      out.pad(alignment);
      one.content.write(out, "gguf_writer: " + gguf_detail::quoted("tensor", one.name));
    }
    if (!tensors_.empty()) out.pad(alignment);  // llama.cpp reads the last tensor with its padding
    out.commit();
  }

  /// Several files of at most `most` bytes of tensors each, or of one tensor that is larger: NAME.gguf becomes
  /// NAME-00001-of-00003.gguf and so on, as llama.cpp splits them; the first has the keys. Each appears whole or not at
  /// all, the first one last. Returns their paths.
  std::vector<std::string> save_split(const std::string& path, std::uint64_t most) const {
    const std::uint64_t alignment = chosen_alignment();
    std::vector<gguf_writer> parts(1);
    std::uint64_t taken = 0;
    for (const tensor& one : tensors_) {
      const std::uint64_t bytes = (one.content.size() + alignment - 1) / alignment * alignment;
      if (!parts.back().tensors_.empty() && (taken > most || bytes > most - taken)) {
        parts.emplace_back();
        taken = 0;
      }
      parts.back().tensors_.push_back(one);
      taken += bytes;
    }
    if (parts.size() > most_gguf_parts) {
      refuse("file", path, "at most " + std::to_string(most_gguf_parts) + " parts", std::to_string(parts.size()));
    }
    std::vector<std::string> paths;
    for (std::size_t part = 0; part < parts.size(); ++part) {
      gguf_writer& out = parts[part];
      if (part == 0) out.entries_ = entries_;
      if (part > 0 && alignment != 32) out.set("general.alignment", static_cast<std::uint32_t>(alignment));
      out.set("split.no", static_cast<std::uint16_t>(part));
      out.set("split.count", static_cast<std::uint16_t>(parts.size()));
      out.set("split.tensors.count", static_cast<std::int32_t>(tensors_.size()));
      paths.push_back(gguf_part_path(path, part, parts.size()));
    }
    for (std::size_t part = parts.size(); part-- > 0;) parts[part].save(paths[part]);
    return paths;
  }

private:
  struct entry {
    std::string key;
    gguf_kind kind;
    std::string bytes;
  };
  struct tensor {
    std::string name;
    gguf_tensor shape;  // its name is empty
    pending_bytes content;
  };

  /// What a tensor of this shape takes in a file; 0 for types whose size is not known.
  static std::uint64_t bytes_of(const gguf_tensor& shape) noexcept {
    const gguf_type_layout layout = layout_of(shape.type);
    if (layout.block == 0) return 0;
    return static_cast<std::uint64_t>(shape.rows()) * (static_cast<std::uint64_t>(shape.columns()) / layout.block) *
           layout.bytes;
  }
  void append(const gguf_tensor& shape, pending_bytes added) {
    if (shape.name.empty() || shape.name.size() > gguf_detail::longest_name ||
        shape.name.find('\0') != shape.name.npos) {
      refuse("tensor", shape.name, "a name of 1 to 63 bytes, none of them zero",
             std::to_string(shape.name.size()) + " bytes");
    }
    for (const tensor& one : tensors_) {
      if (one.name == shape.name) refuse("tensor", shape.name, "each name once", "it again");
    }
    const gguf_type_layout layout = layout_of(shape.type);
    if (layout.block == 0) refuse("tensor", shape.name, "a type whose size is known", to_string(shape.type));
    for (std::uint32_t i = 0; i < 4; ++i) {
      if (shape.extents[i] >= 0 && (i < shape.dimensions || shape.extents[i] == 1)) continue;
      refuse("tensor", shape.name, "extents of at least 0, and 1 beyond its dimensions",
             std::to_string(shape.extents[i]));
    }
    const std::uint64_t bytes = bytes_of(shape);
    if (shape.dimensions > 4 || to_size(shape.columns()) % layout.block != 0 || bytes != added.size()) {
      refuse("tensor", shape.name, "whole blocks: " + std::to_string(bytes) + " bytes of " + to_string(shape.type),
             std::to_string(added.size()) + " bytes");
    }
    tensors_.push_back({std::string{shape.name}, shape, std::move(added)});
    tensors_.back().shape.name = {};  // it was only lent
  }

  std::uint64_t chosen_alignment() const {
    for (const entry& one : entries_) {
      if (one.key != "general.alignment") continue;
      if (one.kind != gguf_kind::uint32) refuse("key", one.key, "a uint32, as readers want it", "another kind");
      const auto alignment = gguf_value{one.kind, one.bytes}.as<std::uint32_t>();
      if (!alignment || *alignment < 8 || !std::has_single_bit(*alignment)) {
        refuse("key", one.key, "a power of two, at least 8", alignment ? std::to_string(*alignment) : "another kind");
      }
      return *alignment;
    }
    return 32;
  }

  /// Everything before the data, without the padding.
  std::string header(std::uint64_t alignment) const {
    std::string out = "GGUF";
    encode(out, std::uint32_t{3});
    encode(out, std::uint64_t{tensors_.size()});
    encode(out, std::uint64_t{entries_.size()});
    for (const entry& one : entries_) {
      encode(out, one.key);
      encode(out, static_cast<std::uint32_t>(one.kind));
      out += one.bytes;
    }
    std::uint64_t offset = 0;
    for (const tensor& one : tensors_) {
      encode(out, one.name);
      encode(out, one.shape.dimensions);
      for (std::uint32_t dimension = 0; dimension < one.shape.dimensions; ++dimension) {
        encode(out, static_cast<std::int64_t>(one.shape.extents[dimension]));
      }
      encode(out, static_cast<std::uint32_t>(one.shape.type));
      encode(out, offset);
      offset += (one.content.size() + alignment - 1) / alignment * alignment;
    }
    return out;
  }

  [[noreturn]] static void refuse(std::string_view what, std::string_view name, const std::string& expected,
                                  const std::string& got) {
    const std::string argument = "gguf_writer: " + gguf_detail::quoted(what, name);
    fail<file_error>({.argument = argument, .expected = expected, .got = got});
  }

  std::vector<entry> entries_;
  std::vector<tensor> tensors_;
};

}  // namespace fissile
