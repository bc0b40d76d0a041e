// Real models that tests use where they are at hand: in the directory that FISSILE_SHARED names, or the build.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#ifndef FISSILE_SHARED_DIR
#define FISSILE_SHARED_DIR ""
#endif

namespace fissile::testing {

/// The path of the model, or an empty string.
inline std::string shared_model(const std::string& name) {
  const char* named = std::getenv("FISSILE_SHARED");
  const std::string directory = named != nullptr ? named : FISSILE_SHARED_DIR;
  const std::string path = directory + "/models/" + name;
  return !directory.empty() && std::filesystem::exists(path) ? path : std::string{};
}

}  // namespace fissile::testing

/// Gives a test the path, or skips it with the reason.
#define FISSILE_NEEDS_MODEL(path, name)                            \
  const std::string path = ::fissile::testing::shared_model(name); \
  if (path.empty()) GTEST_SKIP() << "no " << name << ": set FISSILE_SHARED to a directory that has models/" << name
