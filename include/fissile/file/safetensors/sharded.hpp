// A model in one safetensors file or in several with an index, read as one: as Hugging Face stores them.
//
//   safetensors_model model{"Llama-3.2-1B"};   // the folder, its index, or a single file
//   const auto up = model.view<bf16>("model.layers.0.mlp.up_proj.weight");
#pragma once

#include <fissile/file/safetensors/reader.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fissile {

/// Move-only. Views are borrowed from it; moving it keeps them good.
class safetensors_model {
public:
  static constexpr const char* index_name = "model.safetensors.index.json";
  static constexpr const char* single_name = "model.safetensors";

  /// Throws file_error where a shard is missing, or lacks a tensor that the index promises of it.
  explicit safetensors_model(const std::string& path) {
    namespace fs = std::filesystem;
    const bool folder = fs::is_directory(path);
    const std::string index = folder ? (fs::path{path} / index_name).string() : path;
    if (folder && !fs::exists(index)) {
      add((fs::path{path} / single_name).string());
    } else if (folder || path.ends_with(".json")) {
      open_all(index);
    } else {
      add(path);
    }
  }

  /// The index, or the single file.
  const std::string& path() const noexcept { return where_; }
  const std::vector<safetensors_file>& files() const noexcept { return files_; }
  /// The names of all tensors, ascending.
  std::vector<std::string> names() const {
    std::vector<std::string> list;
    for (const auto& [name, file] : file_of_) list.push_back(name);
    return list;
  }
  bool contains(std::string_view name) const { return file_of_.find(name) != file_of_.end(); }
  /// The file that holds the tensor. Throws file_error where none does.
  const safetensors_file& file_of(std::string_view name) const {
    const auto found = file_of_.find(name);
    if (found == file_of_.end()) {
      fail<file_error>({.argument = safetensors_detail::place(where_, name),
                        .expected = "it in one of " + std::to_string(files_.size()) + " files",
                        .got = "no tensor of this name"});
    }
    return files_[found->second];
  }

  /// As those of safetensors_file.
  const safetensors_tensor& tensor(std::string_view name) const { return file_of(name).tensor(name); }
  std::string_view raw(std::string_view name) const { return file_of(name).raw(name); }
  template <safetensors_element T>
  matrix_view<const T> view(std::string_view name) const {
    return file_of(name).view<T>(name);
  }
  std::vector<float> read_floats(std::string_view name) const { return file_of(name).read_floats(name); }

private:
  void add(const std::string& path) {
    if (where_.empty()) where_ = path;
    files_.emplace_back(path);
    for (const safetensors_tensor& one : files_.back().tensors()) {
      const auto [other, fresh] = file_of_.emplace(one.name, files_.size() - 1);
      if (fresh) continue;
      fail<file_error>({.argument = safetensors_detail::place(path, one.name),
                        .expected = "each tensor in one file",
                        .got = "it in " + files_[other->second].path() + ", too"});
    }
  }

  void open_all(const std::string& index) {
    where_ = index;
    const json_value content = read_json(index);
    const json_value& map = require_entry(content, "weight_map", index);
    if (!map.is_object() || map.empty())
      refuse_json(map, "an object of tensors and their files", index + ": weight_map");
    std::map<std::string, std::vector<std::string>> promised;  // by file
    for (auto entry = map.begin(); entry != map.end(); ++entry) {
      promised[json_as<std::string>(*entry, index + ": weight_map: " + entry.key())].push_back(entry.key());
    }
    for (const auto& [file, names] : promised) {
      if (file.find_first_of("/\\") != file.npos) {
        fail<file_error>({.argument = index + ": weight_map", .expected = "files beside the index", .got = file});
      }
      add((std::filesystem::path{index}.parent_path() / file).string());
      for (const std::string& name : names) static_cast<void>(files_.back().tensor(name));
    }
  }

  std::string where_;
  std::vector<safetensors_file> files_;
  std::map<std::string, std::size_t, std::less<>> file_of_;
};

}  // namespace fissile
