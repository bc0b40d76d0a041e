// A file that appears whole or not at all: written beside its target, brought to the disk, then renamed over it. Where
// the target is there, the new file has its mode; where it is a link, what it points to is replaced.
//
//   atomic_file out{"counts.json"};
//   out.write(text);
//   out.commit();     // without it, and after any error, the target is untouched and nothing is left beside it
#pragma once

#include <fissile/base/contract.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#if __has_include(<unistd.h>) && __has_include(<sys/stat.h>)
#define FISSILE_HAS_FSYNC 1
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#else
#define FISSILE_HAS_FSYNC 0
#endif

namespace fissile {

class atomic_file {
public:
  explicit atomic_file(std::string path) : path_(std::move(path)) {
#if FISSILE_HAS_FSYNC
    struct stat status = {};
    const bool linked = ::lstat(path_.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
    if (char* real = linked ? ::realpath(path_.c_str(), nullptr) : nullptr; real != nullptr) {
      path_ = real;  // a link stays one, to the new file
      std::free(real);
    }
    const bool replaces = ::stat(path_.c_str(), &status) == 0;
    if (replaces && !S_ISREG(status.st_mode)) {
      fail<file_error>(path_ + ": expected a regular file or none, got a " +
                       (S_ISDIR(status.st_mode) ? "directory" : "device or pipe, which renaming would replace"));
    }
#endif
    // Mode x: two writers of one target never share a temporary. A number left behind by a killed program is skipped.
    for (int number = 0; number < 1000 && file_ == nullptr; ++number) {
      beside_ = path_ + "." + std::to_string(number) + ".part";
      file_ = std::fopen(beside_.c_str(), "wbx");
      if (file_ == nullptr && errno != EEXIST) break;
    }
    if (file_ == nullptr) refuse("create " + std::exchange(beside_, {}));  // it is not ours to remove
#if FISSILE_HAS_FSYNC
    if (replaces && ::fchmod(::fileno(file_), status.st_mode & 07777) != 0) refuse("keep the mode");
#endif
  }
  atomic_file(atomic_file&& other) noexcept
      : path_(std::move(other.path_)),
        beside_(std::move(other.beside_)),
        file_(std::exchange(other.file_, nullptr)),
        position_(other.position_) {}
  atomic_file& operator=(atomic_file&&) = delete;
  ~atomic_file() {
    abandon();
  }

  const std::string& path() const noexcept {
    return path_;
  }
  /// Bytes written so far.
  std::uint64_t position() const noexcept {
    return position_;
  }

  void write(std::string_view bytes) {
    Expects(file_ != nullptr);  // not after commit or an error
    if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) refuse("write");
    position_ += bytes.size();
  }

  /// Zeros up to the next multiple of `alignment`.
  void pad(std::uint64_t alignment) {
    Expects(alignment > 0);
    constexpr char zeros[64] = {};
    for (std::uint64_t rest = (alignment - position_ % alignment) % alignment; rest > 0;) {
      const std::size_t step = rest < sizeof zeros ? static_cast<std::size_t>(rest) : sizeof zeros;
      write({zeros, step});
      rest -= step;
    }
  }

  /// From here on the target is the new file, also after a loss of power.
  void commit() {
    Expects(file_ != nullptr);
    if (std::fflush(file_) != 0) refuse("write");
#if FISSILE_HAS_FSYNC
    if (::fsync(::fileno(file_)) != 0) refuse("bring to the disk");
#endif
    if (std::fclose(std::exchange(file_, nullptr)) != 0) refuse("close");
    if (std::rename(beside_.c_str(), path_.c_str()) != 0) refuse("rename " + beside_);
    beside_.clear();
    sync_directory();
  }

private:
  void abandon() noexcept {
    if (file_ != nullptr) std::fclose(std::exchange(file_, nullptr));
    if (!beside_.empty()) std::remove(beside_.c_str());
    beside_.clear();
  }

  [[noreturn]] void refuse(const std::string& doing) {
    const int error = errno;
    const std::string message = path_ + ": cannot " + doing + ": " + std::strerror(error) + "; the target is untouched";
    abandon();
    fail<file_error>(message);
  }

  // The new name is safe only when its directory is. Some file systems refuse to sync one; the file itself is good
  // then.
  void sync_directory() const noexcept {
#if FISSILE_HAS_FSYNC
    const std::size_t slash = path_.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    const int descriptor = ::open(directory.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    static_cast<void>(::fsync(descriptor));
    ::close(descriptor);
#endif
  }

  std::string path_;
  std::string beside_;  // empty once renamed or removed
  std::FILE* file_ = nullptr;
  std::uint64_t position_ = 0;
};

/// The whole content at once: for JSON, CSV, SVG and reports.
inline void write_file_atomically(const std::string& path, std::string_view content) {
  atomic_file out{path};
  out.write(content);
  out.commit();
}

}  // namespace fissile
