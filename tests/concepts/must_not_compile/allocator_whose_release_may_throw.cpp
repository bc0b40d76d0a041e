// expect: arena_allocator
#include <fissile/partition/even_slices.hpp>
#include <fissile/run/sparse_ffn.hpp>

using namespace fissile;

struct heap {
  std::byte* allocate(index_t bytes) const { return aligned_memory{}.allocate(bytes); }
#ifdef SHOULD_FAIL
  void release(std::byte* block, index_t bytes) const {
#else
  void release(std::byte* block, index_t bytes) const noexcept {
#endif
      aligned_memory{}.release(block, bytes);
}
}
;

index_t bytes_of(const packed_experts<float, heap>& packed) {
  return packed.bytes();
}

int main() {}
