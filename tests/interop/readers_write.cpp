// readers_write FOLDER: writes a file of every kind that the library writes, and listing.txt, by which readers of other
// people check them: what each file holds, as it was meant to be written.
//
//   tensor <tab> file <tab> name <tab> type <tab> extents <tab> bytes <tab> hash
//   key    <tab> file <tab> name <tab> kind <tab> value
//
// The hash is FNV-1a of 32 bits over the tensor's bytes.
#include "../file/gguf/sample.hpp"
#include "../file/safetensors/sample.hpp"

#include <fissile/file/gguf.hpp>
#include <fissile/file/imatrix.hpp>
#include <fissile/file/safetensors.hpp>

#include <cstdio>
#include <deque>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

namespace fissile {
namespace {

class listing {
public:
  template <class Extents>
  void tensor(const std::string& file, std::string_view name, const std::string& type, const Extents& extents,
              std::string_view bytes) {
    std::uint32_t hash = 2166136261u;
    for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619u;
    line(
        {"tensor", file, std::string{name}, type, joined(extents), std::to_string(bytes.size()), std::to_string(hash)});
  }
  void key(const std::string& file, const gguf_entry& one) {
    line({"key", file, std::string{one.key}, std::to_string(static_cast<std::uint32_t>(one.value.kind())),
          text_of(one.value)});
  }
  void save(const std::string& path) const { write_file_atomically(path, text_); }

private:
  void line(const std::vector<std::string>& columns) {
    for (std::size_t i = 0; i < columns.size(); ++i) text_ += (i == 0 ? "" : "\t") + columns[i];
    text_ += '\n';
  }
  static std::string word(const std::string& text) { return text; }
  static std::string word(double number) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", number);
    return text;
  }
  static std::string word(std::int64_t number) { return std::to_string(number); }
  template <class List>
  static std::string joined(const List& list) {
    std::string text;
    for (const auto& one : list) text += (text.empty() && &one == &*list.begin() ? "" : ",") + word(one);
    return text;
  }
  static std::string text_of(const gguf_value& value) {
    if (value.element_kind() == gguf_kind::boolean) {
      const auto all = value.as<std::vector<bool>>().value_or(std::vector<bool>{value.as<bool>().value_or(false)});
      std::vector<std::string> words;
      for (const bool one : all) words.emplace_back(one ? "true" : "false");
      return joined(words);
    }
    if (const auto all = value.as<std::vector<std::string>>()) return joined(*all);
    if (const auto all = value.as<std::vector<std::int64_t>>()) return joined(*all);
    if (const auto all = value.as<std::vector<double>>()) return joined(*all);
    if (const auto one = value.as<std::int64_t>()) return word(*one);
    if (const auto one = value.as<double>()) return word(*one);
    return value.as<std::string>().value_or("");
  }
  std::string text_;
};

void list_gguf_file(listing& to, const std::string& folder, const std::string& name) {
  const gguf_file file{folder + "/" + name};
  for (const gguf_entry& one : file.entries()) to.key(name, one);
  for (const gguf_tensor& one : file.tensors()) {
    const std::vector<std::int64_t> extents(one.extents.begin(), one.extents.begin() + one.dimensions);
    to.tensor(name, one.name, std::to_string(static_cast<std::uint32_t>(one.type)), extents, file.raw(one.name));
  }
}

void write_gguf(listing& to, const std::string& folder) {
  const testing::sample sample;
  gguf_writer out = sample.writer();
  // Blocks of every type whose size is known.
  random_source random{5};
  std::deque<std::string> blocks;  // borrowed by `out`
  for (std::uint32_t type = 0; type < 64; ++type) {
    const gguf_type_layout layout = layout_of(gguf_type{type});
    if (layout.block == 0) continue;
    std::string& bytes = blocks.emplace_back(3 * 2 * layout.bytes, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.bits());
    const auto columns = static_cast<index_t>(2 * layout.block);
    const std::string name = "blocks." + std::string{layout.name};
    out.add({.name = name, .type = gguf_type{type}, .extents = {columns, 3, 1, 1}, .dimensions = 2}, bytes);
  }
  for (const std::uint32_t alignment : {32u, 8u, 4096u}) {
    const std::string name = "all_types_" + std::to_string(alignment) + ".gguf";
    out.set("general.alignment", alignment);
    out.save(folder + "/" + name);
    list_gguf_file(to, folder, name);
  }
  out.drop("general.alignment");
  for (const std::string& path : out.save_split(folder + "/split.gguf", 1000)) {
    list_gguf_file(to, folder, std::filesystem::path{path}.filename().string());
  }

  imatrix seen{.datasets = {"one.txt", "two.txt"}, .chunks = 7, .chunk_tokens = 512, .entries = {}, .unknown = {}};
  seen.entries["blk.0.ffn_down.weight"] = {.inputs = 3, .squares = {1, 2.5, 3}, .counts = {3584}};
  seen.entries["blk.1.ffn_up_exps.weight"] = {.inputs = 2, .squares = {1, 2, 3, 4, 0, 0}, .counts = {5, 6, 0}};
  write_imatrix(folder + "/imatrix.gguf", seen);
  list_gguf_file(to, folder, "imatrix.gguf");
}

void write_safetensors(listing& to, const std::string& folder) {
  const testing::safetensors_sample sample;
  for (const auto& [place, most] : {std::pair{"single", 100000u}, std::pair{"sharded", 100u}}) {
    const std::string inside = folder + "/" + place;
    std::filesystem::create_directories(inside);
    const std::vector<std::string> paths = sample.writer().save_model(inside, most);
    const safetensors_model model{inside};
    for (const safetensors_file& file : model.files()) {
      const std::string name = std::string{place} + "/" + std::filesystem::path{file.path()}.filename().string();
      for (const safetensors_tensor& one : file.tensors()) {
        to.tensor(name, one.name, one.type, std::vector<std::int64_t>(one.shape.begin(), one.shape.end()),
                  file.raw(one.name));
      }
    }
  }
}

}  // namespace
}  // namespace fissile

int main(int count, char** arguments) try {
  if (count != 2) {
    std::fprintf(stderr, "readers_write FOLDER\n");
    return 2;
  }
  const std::string folder = arguments[1];
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  fissile::listing all;
  fissile::write_gguf(all, folder);
  fissile::write_safetensors(all, folder);
  all.save(folder + "/listing.txt");
  return 0;
} catch (const std::exception& problem) {
  std::fprintf(stderr, "readers_write: %s\n", problem.what());
  return 1;
}
