// Writes a safetensors file. The target appears whole or not at all.
//
//   safetensors_writer out;
//   out.note("format", "pt");
//   out.add("model.layers.0.mlp.up_proj.weight", matrix_view<const bf16>{up, 432, 192});
//   out.save("model.safetensors");
//
// Tensors are borrowed until `save`; only their names and shapes are kept. They keep the order in which they came, but
// that wide numbers stand before narrow ones: so every tensor is aligned for its numbers, and the data begins at a
// multiple of 64 bytes.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/view.hpp>
#include <fissile/file/atomic_file.hpp>
#include <fissile/file/safetensors/reader.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fissile {

class safetensors_writer {
public:
  /// A word about the file; the last one of a key stays.
  void note(const std::string& key, const std::string& text) { metadata_[key] = text; }

  /// A linear layer, [rows x columns] at any row stride; it may be empty.
  template <class T>
  requires safetensors_element<std::remove_const_t<T>>
  void add(std::string_view name, matrix_view<T> matrix) {
    append({.shape = {.name = std::string{name},
                      .type = std::string{safetensors_name<std::remove_const_t<T>>()},
                      .shape = {matrix.rows(), matrix.columns()}},
            .data = reinterpret_cast<const char*>(matrix.data()),
            .rows = to_size(matrix.rows()),
            .row_bytes = to_size(matrix.columns()) * sizeof(T),
            .stride = to_size(matrix.row_stride()) * sizeof(T)});
  }
  /// A vector: one dimension.
  template <class T>
  requires safetensors_element<std::remove_const_t<T>>
  void add(std::string_view name, vector_view<T> numbers) {
    add({.name = std::string{name},
         .type = std::string{safetensors_name<std::remove_const_t<T>>()},
         .shape = {numbers.length()}},
        {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)});
  }
  /// Bytes of any type, shaped as `shape` says; its place in a file does not matter.
  void add(const safetensors_tensor& shape, std::string_view bytes) {
    append({.shape = shape, .data = bytes.data(), .rows = 1, .row_bytes = bytes.size(), .stride = bytes.size()});
  }
  /// A tensor of another file as it is.
  void copy(const safetensors_file& file, std::string_view name) { add(file.tensor(name), file.raw(name)); }

  /// Throws file_error where it cannot be written; then the target is untouched.
  void save(const std::string& path) const {
    std::vector<const tensor*> order;
    for (const tensor& one : tensors_) order.push_back(&one);
    std::stable_sort(order.begin(), order.end(), [](const tensor* a, const tensor* b) {
      return safetensors_size(a->shape.type) > safetensors_size(b->shape.type);
    });
    std::string header = header_of(order);
    header.append((alignment - (sizeof(std::uint64_t) + header.size()) % alignment) % alignment, ' ');
    std::string length(sizeof(std::uint64_t), '\0');
    for (std::size_t i = 0; i < length.size(); ++i) length[i] = static_cast<char>(header.size() >> 8 * i & 0xff);
    atomic_file out{path};
    out.write(length);
    out.write(header);
    for (const tensor* one : order) {
      for (std::size_t row = 0; row < one->rows; ++row) out.write({one->data + row * one->stride, one->row_bytes});
    }
    out.commit();
  }

private:
  static constexpr std::size_t alignment = 64;

  struct tensor {
    safetensors_tensor shape = {};
    const char* data = nullptr;
    std::size_t rows = 0, row_bytes = 0, stride = 0;  // `rows` pieces of `row_bytes`, `stride` bytes apart
  };

  void append(tensor added) {
    const std::string where = safetensors_detail::place("safetensors_writer", added.shape.name);
    if (added.shape.name == "__metadata__" || added.shape.name.empty()) {
      fail<file_error>({.argument = where, .expected = "a name of its own", .got = "one that the format keeps"});
    }
    for (const tensor& one : tensors_) {
      if (one.shape.name == added.shape.name) {
        fail<file_error>({.argument = where, .expected = "each name once", .got = "it again"});
      }
    }
    const std::uint64_t bytes = added.rows * added.row_bytes;
    const std::uint64_t wanted = safetensors_detail::extent_of(added.shape, where);
    if (safetensors_size(added.shape.type) != 0 && wanted != bytes) {
      fail<file_error>({.argument = where,
                        .expected = std::to_string(wanted) + " bytes for its shape in " + added.shape.type,
                        .got = std::to_string(bytes)});
    }
    tensors_.push_back(std::move(added));
  }

  std::string header_of(const std::vector<const tensor*>& order) const {
    json_value header = json_value::object();
    if (!metadata_.empty()) {
      for (const auto& [key, text] : metadata_) header["__metadata__"][key] = text;
    }
    std::uint64_t offset = 0;
    for (const tensor* one : order) {
      const std::uint64_t bytes = one->rows * one->row_bytes;
      header[one->shape.name] = {{"dtype", one->shape.type}, {"shape", one->shape.shape}};
      header[one->shape.name]["data_offsets"] = {offset, offset + bytes};
      offset += bytes;
    }
    return header.dump();
  }

  std::map<std::string, std::string> metadata_;
  std::vector<tensor> tensors_;
};

}  // namespace fissile
