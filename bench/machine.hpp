// The machine the figures come from: its name, its last cache, its processors, and an environment without surprises.
#pragma once

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#include <unistd.h>
extern char** environ;
#endif

namespace fissile::bench {

/// Where neither the system nor the processor tells: more than most machines have.
inline constexpr std::size_t unknown_last_level_cache = std::size_t{64} << 20;

/// Bytes of the largest cache this processor can reach.
inline std::size_t last_level_cache() {
  std::size_t largest = 0;
#if defined(__linux__)
  for (int i = 0; i < 8; ++i) {
    std::ifstream file("/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/size");
    std::size_t size = 0;
    char unit = 0;
    if (!(file >> size)) continue;
    if (file >> unit) size <<= unit == 'K' ? 10 : unit == 'M' ? 20 : 0;
    largest = size > largest ? size : largest;
  }
#if defined(_SC_LEVEL3_CACHE_SIZE)
  const long third = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (largest == 0 && third > 0) largest = static_cast<std::size_t>(third);
#endif
#endif
  return largest > 0 ? largest : unknown_last_level_cache;
}

inline std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown processor";
}

/// Processors this program may use.
inline std::vector<int> usable_processors() {
  std::vector<int> found;
#if defined(__linux__)
  cpu_set_t usable;
  CPU_ZERO(&usable);
  sched_getaffinity(getpid(), sizeof usable, &usable);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &usable)) found.push_back(cpu);
  }
#endif
  return found;
}

/// Keeps the calling thread on one processor, where the system can.
inline void pin_to([[maybe_unused]] int processor) {
#if defined(__linux__)
  cpu_set_t mine;
  CPU_ZERO(&mine);
  CPU_SET(static_cast<std::size_t>(processor), &mine);
  sched_setaffinity(0, sizeof mine, &mine);
#endif
}

/// Starts the program anew where its environment would bend a peer: OPENBLAS_* settings choose kernels of another
/// processor, and OpenMP's threads would look for work on our processors long after theirs is done. Both are read
/// when the program is loaded, so they must be right before.
inline void clean_environment([[maybe_unused]] char** arguments) {
#if defined(__linux__)
  std::vector<std::string> unwanted;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, "OPENBLAS_", 9) != 0) continue;
    unwanted.emplace_back(*entry, std::strchr(*entry, '='));
  }
  if (unwanted.empty() && std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  for (const std::string& name : unwanted) unsetenv(name.c_str());
  setenv("GOMP_SPINCOUNT", "20000", 0);  // some hundred microseconds: across the products of a layer
  execv("/proc/self/exe", arguments);    // returns only where it fails; then we go on as we are
#endif
}

}  // namespace fissile::bench
