// Replaces operator new by one that counts; a file of its own, so that no compiler sees through it.
#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace fissile::bench {
std::atomic<long> allocations = 0;
}  // namespace fissile::bench

void* operator new(std::size_t bytes) {
  ++fissile::bench::allocations;
  if (void* block = std::malloc(bytes > 0 ? bytes : 1)) return block;
  throw std::bad_alloc();
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  ++fissile::bench::allocations;
  const auto unit = static_cast<std::size_t>(alignment);
  if (void* block = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete(void* block, std::align_val_t) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t, std::align_val_t) noexcept {
  std::free(block);
}
