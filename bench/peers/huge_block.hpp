// Floats on huge pages, where there are any: peers get the memory we give ourselves.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace fissile::bench {

class huge_block {
public:
  explicit huge_block(std::size_t bytes) {
    constexpr std::size_t page = std::size_t{1} << 21;
    const std::size_t whole = (bytes + page - 1) / page * page;
    data_ = std::aligned_alloc(page, whole);
    if (data_ == nullptr) throw std::bad_alloc();
#if defined(__linux__)
    madvise(data_, whole, MADV_HUGEPAGE);
#endif
  }
  huge_block(huge_block&& other) noexcept : data_(other.data_) {
    other.data_ = nullptr;
  }
  huge_block& operator=(huge_block&&) = delete;
  ~huge_block() {
    std::free(data_);
  }

  void* data() const noexcept {
    return data_;
  }
  float* floats() const noexcept {
    return static_cast<float*>(data_);
  }

private:
  void* data_;
};

}  // namespace fissile::bench
