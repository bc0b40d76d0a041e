// A model in one GGUF file or in several parts, read as one: as llama.cpp splits large ones.
//
//   gguf_model model{"model-00001-of-00003.gguf"};   // the first part, or a single file
//   const auto up = model.view<bf16>("blk.0.ffn_up.weight");
//
// The first part has the keys of the model; each has split.no, its number from 0, split.count, how many there are, and
// split.tensors.count, the tensors of all.
#pragma once

#include <fissile/file/gguf/reader.hpp>
#include <fissile/file/gguf/split_names.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile {

/// Move-only. Keys, values and views are borrowed from it; moving it keeps them good.
class gguf_model {
public:
  /// Throws file_error where a part is missing, is not what its name says, or lacks tensors that the first promises.
  explicit gguf_model(const std::string& path) {
    files_.emplace_back(path);
    const auto parts = files_.front().get_or<std::uint16_t>("split.count", 1);
    check_part(0, parts);
    if (parts > 1) open_rest(parts);
    for (const gguf_entry& one : files_.front().entries()) {
      if (!one.key.starts_with("split.")) entries_.push_back(one);
    }
    for (std::size_t file = 0; file < files_.size(); ++file) add_tensors(file);
    const auto promised = files_.front().get_or<std::uint64_t>("split.tensors.count", tensors_.size());
    if (promised != tensors_.size()) {
      refuse(path + ": split.tensors.count", std::to_string(promised) + " tensors in all",
             std::to_string(tensors_.size()), "the parts may be of different models");
    }
  }

  /// Of the first part.
  const std::string& path() const noexcept { return files_.front().path(); }
  const std::vector<gguf_file>& files() const noexcept { return files_; }
  std::uint64_t alignment() const noexcept { return files_.front().alignment(); }
  /// All keys of the model but those that only tell of its parts.
  const std::vector<gguf_entry>& entries() const noexcept { return entries_; }
  /// All tensors, part after part; offsets are in their files.
  const std::vector<gguf_tensor>& tensors() const noexcept { return tensors_; }

  /// As those of gguf_file.
  const gguf_value* find(std::string_view key) const { return files_.front().find(key); }
  template <class T>
  T get(std::string_view key) const {
    return files_.front().get<T>(key);
  }
  template <class T>
  T get_or(std::string_view key, T otherwise) const {
    return files_.front().get_or<T>(key, std::move(otherwise));
  }
  const gguf_tensor* find_tensor(std::string_view name) const {
    const auto found = file_with_.find(name);
    return found == file_with_.end() ? nullptr : files_[found->second].find_tensor(name);
  }
  const gguf_tensor& tensor(std::string_view name) const { return file_of(name).tensor(name); }
  std::string_view raw(std::string_view name) const { return file_of(name).raw(name); }
  template <gguf_element T>
  matrix_view<const T> view(std::string_view name) const {
    return file_of(name).view<T>(name);
  }
  std::vector<float> read_floats(std::string_view name) const { return file_of(name).read_floats(name); }

  /// The file that holds the tensor; where none does, the first, which refuses it.
  const gguf_file& file_of(std::string_view name) const {
    const auto found = file_with_.find(name);
    return files_[found == file_with_.end() ? 0 : found->second];
  }

private:
  [[noreturn]] static void refuse(const std::string& where, std::string expected, std::string got,
                                  std::string_view cure) {
    fail<file_error>({.argument = where, .expected = std::move(expected), .got = std::move(got), .cure = cure});
  }

  /// The last file is part `part` of `parts`.
  void check_part(std::uint16_t part, std::uint16_t parts) const {
    const gguf_file& file = files_.back();
    const auto count = file.get_or<std::uint16_t>("split.count", 1);
    const auto number = file.get_or<std::uint16_t>("split.no", 0);
    if (count == parts && number == part && count > 0) return;
    refuse(file.path() + ": split.no and split.count",
           "part " + std::to_string(part + 1) + " of " + std::to_string(parts),
           "part " + std::to_string(number + 1) + " of " + std::to_string(count),
           part == 0 ? "name the first part, the others are found beside it" : "the parts may be of different models");
  }

  void open_rest(std::uint16_t parts) {
    const std::string first = path();
    const auto whole = gguf_whole_path(first, 0, parts);
    if (!whole) {
      refuse(first, "a name that ends with \"" + gguf_part_path("", 0, parts) + "\"", "another name",
             "the other parts are found by it");
    }
    for (std::uint16_t part = 1; part < parts; ++part) {
      files_.emplace_back(gguf_part_path(*whole, part, parts));
      check_part(part, parts);
    }
  }

  void add_tensors(std::size_t file) {
    for (const gguf_tensor& one : files_[file].tensors()) {
      const auto [other, fresh] = file_with_.emplace(one.name, file);
      if (!fresh) {
        refuse(files_[file].path() + ": " + gguf_detail::quoted("tensor", one.name), "each tensor in one part",
               "it in " + files_[other->second].path() + ", too", "the parts may be of different models");
      }
      tensors_.push_back(one);
    }
  }

  std::vector<gguf_file> files_;
  std::vector<gguf_entry> entries_;
  std::vector<gguf_tensor> tensors_;
  std::map<std::string_view, std::size_t> file_with_;  // names are borrowed from the files
};

}  // namespace fissile
