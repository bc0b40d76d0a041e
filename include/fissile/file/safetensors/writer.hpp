// Writes a safetensors file, or several with an index. Each appears whole or not at all.
//
//   safetensors_writer out;
//   out.note("format", "pt");
//   out.add("model.layers.0.mlp.up_proj.weight", matrix_view<const bf16>{up, 432, 192});
//   out.save("model.safetensors");
//
// Tensors are borrowed until `save`; only their names and shapes are kept. Those that are made at that moment, one
// after another, need the memory of one. They keep the order in which they came, but that wide numbers stand before
// narrow ones: so every tensor is aligned for its numbers, and the data begins at a multiple of 64 bytes.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/utf8.hpp>
#include <fissile/base/view.hpp>
#include <fissile/file/atomic_file.hpp>
#include <fissile/file/five_digits.hpp>
#include <fissile/file/pending_bytes.hpp>
#include <fissile/file/safetensors/reader.hpp>
#include <fissile/file/safetensors/sharded.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace fissile {

class safetensors_writer {
public:
  /// A word about the file; the last one of a key stays.
  void note(const std::string& key, const std::string& text) {
    if (!is_utf8(key) || !is_utf8(text)) {
      fail<file_error>({.argument = "safetensors_writer: note", .expected = "UTF-8", .got = "other bytes"});
    }
    metadata_[key] = text;
  }

  /// A linear layer, [rows x columns] at any row stride; it may be empty.
  template <class T>
  requires safetensors_element<std::remove_const_t<T>>
  void add(std::string_view name, matrix_view<T> matrix) {
    append({.shape = {.name = std::string{name},
                      .type = std::string{safetensors_name<std::remove_const_t<T>>()},
                      .shape = {matrix.rows(), matrix.columns()}},
            .content = {.data = reinterpret_cast<const char*>(matrix.data()),
                        .rows = to_size(matrix.rows()),
                        .row_bytes = to_size(matrix.columns()) * sizeof(T),
                        .stride = to_size(matrix.row_stride()) * sizeof(T)}});
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
    append({.shape = shape, .content = {.data = bytes.data(), .row_bytes = bytes.size()}});
  }
  /// Bytes that `make` returns when their turn to be written comes, and at each `save` again. The type's size is known.
  void add(const safetensors_tensor& shape, std::function<std::string()> make) {
    const std::uint64_t bytes =
        safetensors_detail::extent_of(shape, safetensors_detail::place("safetensors_writer", shape.name));
    append({.shape = shape, .content = {.row_bytes = static_cast<std::size_t>(bytes), .make = std::move(make)}});
  }
  /// A tensor of a safetensors_file or safetensors_model as it is.
  template <class File>
  void copy(const File& file, std::string_view name) {
    add(file.tensor(name), file.raw(name));
  }

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
      one->content.write(out, safetensors_detail::place("safetensors_writer", one->shape.name));
    }
    out.commit();
  }

  /// One file, or, where tensors take more than `most` bytes, several of at most so many each (or of one tensor that is
  /// larger) and their index, in a folder that is there: as Hugging Face stores models. Returns the paths, the index
  /// last; it is written last. Throws file_error for a folder with a model of the other kind, which would hide this.
  std::vector<std::string> save_model(const std::string& folder, std::uint64_t most) const {
    std::vector<safetensors_writer> parts(1);
    std::uint64_t taken = 0, total = 0;
    for (const tensor& one : tensors_) {
      const std::uint64_t bytes = one.content.size();
      if (!parts.back().tensors_.empty() && (taken > most || bytes > most - taken)) {
        parts.emplace_back();
        taken = 0;
      }
      parts.back().tensors_.push_back(one);
      taken += bytes;
      total += bytes;
    }
    const auto path_of = [&](const std::string& name) { return (std::filesystem::path{folder} / name).string(); };
    const std::string other =
        path_of(parts.size() == 1 ? safetensors_model::index_name : safetensors_model::single_name);
    if (std::filesystem::exists(other)) {
      fail<file_error>(
          {.argument = other, .expected = "no such file", .got = "one", .cure = "write into a folder of its own"});
    }
    std::vector<std::string> paths;
    json_value map = json_value::object();
    for (std::size_t part = 0; part < parts.size(); ++part) {
      const std::string name = parts.size() == 1 ? safetensors_model::single_name : part_name(part, parts.size());
      parts[part].metadata_ = metadata_;
      parts[part].save(paths.emplace_back(path_of(name)));
      for (const tensor& one : parts[part].tensors_) map[one.shape.name] = name;
    }
    if (parts.size() > 1) {
      write_json(paths.emplace_back(path_of(safetensors_model::index_name)),
                 {{"metadata", {{"total_size", total}}}, {"weight_map", std::move(map)}});
    }
    return paths;
  }

private:
  static constexpr std::size_t alignment = 64;

  struct tensor {
    safetensors_tensor shape = {};
    pending_bytes content = {};
  };

  /// "model-00001-of-00003.safetensors"
  static std::string part_name(std::size_t part, std::size_t parts) {
    return "model-" + five_digits(part + 1) + "-of-" + five_digits(parts) + ".safetensors";
  }

  void append(tensor added) {
    const std::string where = safetensors_detail::place("safetensors_writer", added.shape.name);
    if (added.shape.name == "__metadata__" || added.shape.name.empty()) {
      fail<file_error>({.argument = where, .expected = "a name of its own", .got = "one that the format keeps"});
    }
    if (!is_utf8(added.shape.name)) {
      fail<file_error>({.argument = "safetensors_writer: name", .expected = "UTF-8", .got = "other bytes"});
    }
    for (const tensor& one : tensors_) {
      if (one.shape.name == added.shape.name) {
        fail<file_error>({.argument = where, .expected = "each name once", .got = "it again"});
      }
    }
    const std::uint64_t bytes = added.content.size();
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
    for (const auto& [key, text] : metadata_) header["__metadata__"][key] = text;
    std::uint64_t offset = 0;
    for (const tensor* one : order) {
      const std::uint64_t bytes = one->content.size();
      header[one->shape.name] = {{"dtype", one->shape.type}, {"shape", one->shape.shape}};
      header[one->shape.name]["data_offsets"] = {offset, offset + bytes};
      offset += bytes;
    }
    return header.dump(-1, ' ', false, json_value::error_handler_t::replace);  // all UTF-8: see note and append
  }

  std::map<std::string, std::string> metadata_;
  std::vector<tensor> tensors_;
};

}  // namespace fissile
