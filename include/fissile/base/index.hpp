// The one signed type that counts and indexes everything.
#pragma once

#include <cstddef>

namespace fissile {

/// As Eigen::Index; a bare `index` would clash with POSIX index().
using index_t = std::ptrdiff_t;

/// For subscripts of standard containers.
constexpr std::size_t to_size(index_t value) noexcept {
  return static_cast<std::size_t>(value);
}

/// The length of anything that has a size(), signed.
template <class Container>
constexpr index_t length(const Container& container) noexcept {
  return static_cast<index_t>(container.size());
}

}  // namespace fissile
