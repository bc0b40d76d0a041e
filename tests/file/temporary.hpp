// A directory that lasts as long as a test, and what a refusal said.
#pragma once

#include <gtest/gtest.h>

#include <unistd.h>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace fissile::testing {

class temporary_directory {
public:
  temporary_directory() {
    // In memory where the system has such a place: thousands of small files are slow on a disk that others use.
    const std::filesystem::path memory = "/dev/shm";
    const bool fast = std::filesystem::is_directory(memory) && ::access(memory.c_str(), W_OK) == 0;
    std::string name = ((fast ? memory : std::filesystem::temp_directory_path()) / "fissile_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::filesystem::filesystem_error("mkdtemp", std::error_code{});
    path_ = name;
  }
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;
  ~temporary_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string operator/(std::string_view name) const { return (path_ / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator{path_}, {}));
  }

private:
  std::filesystem::path path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Not atomic and not synced: thousands of hostile files are written with it.
inline void put(const std::string& path, std::string_view content) {
  std::ofstream out{path, std::ios::binary | std::ios::trunc};
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
}

/// What `Error` says when `body` throws it; a test fails when it does not.
template <class Error, class Body>
std::string message_of(Body&& body) {
  try {
    body();
  } catch (const Error& refusal) {
    return refusal.what();
  }
  ADD_FAILURE() << "expected a refusal";
  return {};
}

/// The message holds all of the parts.
inline void expect_says(const std::string& message, std::initializer_list<std::string_view> parts) {
  for (const std::string_view part : parts) EXPECT_NE(message.find(part), message.npos) << part << "\nin: " << message;
}

}  // namespace fissile::testing
