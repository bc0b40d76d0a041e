// Pages of a mapped file that are not needed any more: the system may take them back, and reads them again when they
// are touched again.
#pragma once

#include <cstdint>
#include <string_view>

#if __has_include(<sys/mman.h>) && __has_include(<unistd.h>)
#define FISSILE_FORGETS_PAGES 1
#include <sys/mman.h>
#include <unistd.h>
#else
#define FISSILE_FORGETS_PAGES 0
#endif

namespace fissile::unravel {

/// `mapped`: of a file that is mapped for reading only; views of it stay good. Nothing elsewhere.
inline void forget_pages([[maybe_unused]] std::string_view mapped) noexcept {
#if FISSILE_FORGETS_PAGES
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = (reinterpret_cast<std::uintptr_t>(mapped.data()) + page - 1) / page * page;
  const auto last = (reinterpret_cast<std::uintptr_t>(mapped.data()) + mapped.size()) / page * page;
  if (last > first) static_cast<void>(::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED));
#endif
}

}  // namespace fissile::unravel
