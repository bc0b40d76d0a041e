// Keeps freed memory for the next step: glibc would hand the large tensors back to the kernel and fault them in again
// every step, which costs a third of the time.
#pragma once

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace fissile::examples {

// Before the first tensor and the first thread. Elsewhere than on glibc it does nothing.
inline void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
  mallopt(M_ARENA_MAX, 1);  // the arenas of threads are too small for large tensors
#endif
}

}  // namespace fissile::examples
