// What a command writes is not what it reads: told before anything is written.
#pragma once

#include <fissile/file/gguf.hpp>

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace fissile::unravel {

/// A file that a command was asked to write.
struct asked_target {
  std::string option;  // as it was asked for: "--out"
  std::string path;    // empty: it was not
};

/// All files of a model, which may be split, behind others.
inline std::vector<std::string> files_of_model(const std::string& path, std::vector<std::string> files = {}) {
  const gguf_model model{path};
  for (const gguf_file& file : model.files()) files.push_back(file.path());
  return files;
}

/// Adds the files of LANGUAGE=FILE arguments.
inline void add_text_files(std::vector<std::string>& inputs, const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) inputs.push_back(argument.substr(argument.find('=') + 1));
}

inline bool same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return std::filesystem::equivalent(a, b, ignored) ||  // false where one is not there yet
         std::filesystem::absolute(a).lexically_normal() == std::filesystem::absolute(b).lexically_normal();
}

/// Throws file_error where a target is one of the inputs or another target. Empty paths are no files.
inline void check_targets(const std::vector<std::string>& inputs, const std::vector<asked_target>& targets) {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const asked_target& target = targets[i];
    if (target.path.empty()) continue;
    const std::string argument = target.option + " " + target.path;
    for (const std::string& input : inputs) {
      if (input.empty() || !same_file(input, target.path)) continue;
      fail<file_error>({.argument = argument, .expected = "a new file", .got = "the input " + input});
    }
    for (std::size_t other = 0; other < i; ++other) {
      if (targets[other].path.empty() || !same_file(targets[other].path, target.path)) continue;
      fail<file_error>(
          {.argument = argument, .expected = "a file of its own", .got = "that of " + targets[other].option});
    }
  }
}

}  // namespace fissile::unravel
