// Where the model and the texts are that come with the project: beside the program, or in the source tree it was built
// from.
#pragma once

#include <fissile/base/contract.hpp>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#ifndef FISSILE_EXAMPLES_DIR
#define FISSILE_EXAMPLES_DIR ""
#endif

namespace fissile::unravel {

/// Folders like examples/, in which models/ and texts/ are looked for.
inline std::vector<std::filesystem::path> example_folders() {
  std::vector<std::filesystem::path> folders;
  std::error_code none;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", none);
  if (!none) folders.push_back(program.parent_path());
  folders.emplace_back(FISSILE_EXAMPLES_DIR);
  return folders;
}

inline std::vector<std::filesystem::path> text_folders() {
  std::vector<std::filesystem::path> folders;
  for (const std::filesystem::path& folder : example_folders()) folders.push_back(folder / "texts");
  return folders;
}

/// Throws file_error where it is in none of these places.
inline std::string default_model() {
  std::error_code none;
  for (const std::filesystem::path& folder : example_folders()) {
    for (const std::filesystem::path& file : {folder / "models" / "babel.gguf", folder / "babel.gguf"}) {
      if (std::filesystem::exists(file, none)) return file.string();
    }
  }
  fail<file_error>({.argument = "MODEL",
                    .expected = "examples/models/babel.gguf beside the program or in its source tree",
                    .got = "none there",
                    .cure = "name a GGUF file"});
}

}  // namespace fissile::unravel
