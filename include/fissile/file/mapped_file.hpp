// A file as read-only memory: mapped where the system can, read into memory where it cannot.
//
// Mapping costs nothing until a page is touched, and weights borrowed from the map are never copied. Whoever cuts the
// file short while it is mapped ends the program: replace model files by renaming (atomic_file does), never in place.
#pragma once

#include <fissile/base/contract.hpp>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#if __has_include(<sys/mman.h>) && __has_include(<unistd.h>)
#define FISSILE_HAS_MMAP 1
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#define FISSILE_HAS_MMAP 0
#include <cstdio>
#endif

namespace fissile {

/// Move-only; the memory stays where it is when the object moves, so views into it stay good.
class mapped_file {
public:
  explicit mapped_file(std::string path) : path_(std::move(path)) { load(); }
  mapped_file(mapped_file&& other) noexcept
      : path_(std::move(other.path_)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  mapped_file& operator=(mapped_file&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~mapped_file() { unload(); }

  const std::string& path() const noexcept { return path_; }
  std::size_t size() const noexcept { return size_; }
  /// Aligned for every number type (to a page where the file is mapped); null when the file is empty.
  const std::byte* data() const noexcept { return data_; }
  std::string_view bytes() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }

private:
  [[noreturn]] void refuse(const char* doing, int error) const {
    fail<file_error>(path_ + ": cannot " + doing + ": " + std::strerror(error));
  }

#if FISSILE_HAS_MMAP
  void load() {
    // Not blocking: a pipe given by mistake is refused below instead of being waited for.
    const int descriptor = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) refuse("open", errno);
    struct stat status = {};
    const bool known = ::fstat(descriptor, &status) == 0;
    const int error = errno;
    if (!known || !S_ISREG(status.st_mode)) {
      ::close(descriptor);
      if (!known) refuse("ask the size", error);
      fail<file_error>(path_ + ": expected a regular file, got " + (S_ISDIR(status.st_mode) ? "a directory" : "none"));
    }
    size_ = static_cast<std::size_t>(status.st_size);
    void* memory = size_ == 0 ? nullptr : ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    const int map_error = errno;
    ::close(descriptor);
    if (memory == MAP_FAILED) refuse("map", map_error);
    data_ = static_cast<const std::byte*>(memory);
  }
  void unload() noexcept {
    if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  }
#else
  void load() {
    std::FILE* file = std::fopen(path_.c_str(), "rb");
    if (file == nullptr) refuse("open", errno);
    std::string content;
    char block[1 << 16];
    std::size_t got = 0;
    while ((got = std::fread(block, 1, sizeof block, file)) > 0) content.append(block, got);
    const bool bad = std::ferror(file) != 0;
    std::fclose(file);
    if (bad) refuse("read", EIO);
    size_ = content.size();
    if (size_ == 0) return;
    auto* memory = new std::byte[size_];  // new aligns for every number type
    std::memcpy(memory, content.data(), size_);
    data_ = memory;
  }
  void unload() noexcept {
    delete[] data_;
  }
#endif

  std::string path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace fissile
