// What dense peers share: the activation between the two products, and their threads.
#pragma once

#include "peer.hpp"

#include <Eigen/Core>

#if defined(_OPENMP)
#include <omp.h>
#include <sched.h>
#endif

namespace fissile::bench {

/// Whether peers can use so many threads: they are OpenMP's.
inline bool threads_available(int threads) {
#if defined(_OPENMP)
  return threads >= 1;
#else
  return threads == 1;
#endif
}

#if defined(_OPENMP) && defined(__linux__)
/// What the program may use, asked for before anybody is pinned.
inline const std::vector<std::size_t> processors_at_start = [] {
  cpu_set_t usable;
  CPU_ZERO(&usable);
  sched_getaffinity(0, sizeof usable, &usable);
  std::vector<std::size_t> found;
  for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &usable)) found.push_back(cpu);
  }
  return found;
}();
#endif

/// Gives each thread of OpenMP a processor of its own, the caller's being the first. They keep it while the number of
/// threads stays the same.
inline void pin_threads([[maybe_unused]] int threads) {
#if defined(_OPENMP)
  omp_set_dynamic(0);
  omp_set_num_threads(threads);
#if defined(__linux__)
#pragma omp parallel num_threads(threads)
  {
    cpu_set_t mine;
    CPU_ZERO(&mine);
    const auto& all = processors_at_start;
    CPU_SET(all[static_cast<std::size_t>(omp_get_thread_num()) % all.size()], &mine);
    sched_setaffinity(0, sizeof mine, &mine);
  }
#endif
#endif
}

/// hidden = silu(gate) * up for rows [first, last) of `sums` [batch x 2 * neurons].
template <class Hidden>
void gate_rows(const float* sums, Hidden* hidden, std::ptrdiff_t neurons, std::ptrdiff_t row) {
  using values = Eigen::Map<const Eigen::ArrayXf>;
  const values gate(sums + row * 2 * neurons, neurons);
  const values up(sums + row * 2 * neurons + neurons, neurons);
  Eigen::Map<Eigen::Array<Hidden, Eigen::Dynamic, 1>>(hidden + row * neurons, neurons) =
      (gate / (1 + (-gate).exp()) * up).template cast<Hidden>();
}

/// The same for the whole batch.
template <class Hidden>
void gate_batch(const float* sums, Hidden* hidden, const peer_shape& shape) {
#pragma omp parallel for num_threads(shape.threads) if (shape.batch > 1 && shape.threads > 1)
  for (std::ptrdiff_t row = 0; row < shape.batch; ++row) gate_rows(sums, hidden, shape.neurons, row);
}

}  // namespace fissile::bench
