// Memory for packed experts: one block, aligned to cache lines, from an allocator that users may replace.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/index.hpp>

#include <concepts>
#include <cstddef>
#include <new>
#include <utility>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif

namespace fissile {

/// arena_allocator: where packed experts get their one block of memory.
/// It is copied and made without arguments: what it draws from is its type's, not its own.
/// Law: `allocate(bytes)` returns at least so many bytes, aligned to 64, or throws std::bad_alloc; `release` takes what
/// it returned, with the same number. Satisfied by huge_pages and aligned_memory.
// clang-format off
template <class A>
concept arena_allocator = std::semiregular<A> && requires(A& allocator, std::byte* block, index_t bytes) {
  { allocator.allocate(bytes) } -> std::same_as<std::byte*>;
  { allocator.release(block, bytes) } noexcept;
};
// clang-format on

/// The C++ heap.
struct aligned_memory {
  static constexpr std::align_val_t alignment{64};
  std::byte* allocate(index_t bytes) const {
    return static_cast<std::byte*>(::operator new(to_size(bytes), alignment));
  }
  void release(std::byte* block, index_t) const noexcept { ::operator delete(block, alignment); }
};

/// Pages of 2 MiB where the system gives them (Linux, transparent huge pages), plain ones where not: walking through
/// weights larger than the cache costs fewer misses of the page table. A block smaller than a page shares one.
struct huge_pages {
#if defined(MADV_HUGEPAGE)
  static constexpr index_t page = index_t{1} << 21;
  std::byte* allocate(index_t bytes) const {
    const bool whole_pages = bytes >= page;
    const std::size_t taken = to_size(whole_pages ? rounded(bytes) : bytes);
    void* block = nullptr;
    if (posix_memalign(&block, whole_pages ? to_size(page) : 64, taken) != 0) throw_out_of_memory();
    if (whole_pages) madvise(block, taken, MADV_HUGEPAGE);  // a wish: without it the block works as well
    return static_cast<std::byte*>(block);
  }
  void release(std::byte* block, index_t) const noexcept {
    std::free(block);
  }

private:
  static index_t rounded(index_t bytes) noexcept {
    return (bytes + page - 1) / page * page;
  }
  [[noreturn]] static void throw_out_of_memory() {
#if defined(__cpp_exceptions)
    throw std::bad_alloc();
#else
    fail<error>("huge_pages: out of memory");
#endif
  }
#else
  std::byte* allocate(index_t bytes) const {
    return aligned_memory{}.allocate(bytes);
  }
  void release(std::byte* block, index_t bytes) const noexcept {
    aligned_memory{}.release(block, bytes);
  }
#endif
};

/// One block and who gives it back. Moves, does not copy.
template <arena_allocator Allocator>
class arena {
public:
  explicit arena(index_t bytes, Allocator allocator = {})
      : allocator_(std::move(allocator)), bytes_(bytes), block_(allocator_.allocate(bytes)) {}
  arena(arena&& other) noexcept
      : allocator_(other.allocator_), bytes_(other.bytes_), block_(std::exchange(other.block_, nullptr)) {}
  arena& operator=(arena&& other) noexcept {
    std::swap(allocator_, other.allocator_);
    std::swap(bytes_, other.bytes_);
    std::swap(block_, other.block_);
    return *this;
  }
  ~arena() {
    if (block_ != nullptr) allocator_.release(block_, bytes_);
  }

  std::byte* data() noexcept { return block_; }
  const std::byte* data() const noexcept { return block_; }
  index_t bytes() const noexcept { return bytes_; }

private:
  [[no_unique_address]] Allocator allocator_;
  index_t bytes_;
  std::byte* block_;
};

}  // namespace fissile
