// Counts what a program allocates, where allocations.cpp is part of it.
#pragma once

#include <atomic>

namespace fissile::bench {

/// Calls of operator new so far.
extern std::atomic<long> allocations;

}  // namespace fissile::bench
