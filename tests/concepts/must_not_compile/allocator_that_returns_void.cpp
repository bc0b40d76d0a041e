// expect: constraints not satisfied
// expect: arena_allocator
#include <fissile/pack/arena.hpp>

using namespace fissile;

struct heap {
#ifdef SHOULD_FAIL
  void* allocate(index_t bytes) const {// would have to be cast
#else
  std::byte* allocate(index_t bytes) const {
#endif
                                       return aligned_memory{}.allocate(bytes);
} void release(std::byte* block, index_t bytes) const noexcept {
  aligned_memory{}.release(block, bytes);
}
}
;

int main() {
  const arena<heap> block{64};
  return static_cast<int>(block.bytes()) - 64;
}
