// Jobs spread over threads, each thread with tools of its own; what a job computes does not depend on who does it.
#pragma once

#include "progress.hpp"

#include <fissile/base/index.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace fissile::unravel {

struct job_settings {
  index_t jobs = 0;
  index_t threads = 1;
};

/// Every thread calls `make_worker()` once and `worker(job)` for each job that it gets. The first exception of any ends
/// the work and is thrown here.
template <class MakeWorker>
void run_jobs(job_settings chosen, progress& told, const MakeWorker& make_worker) {
  std::atomic<index_t> next{0};
  std::mutex mutex;
  std::exception_ptr problem;
  const auto work = [&] {
    try {
      auto worker = make_worker();
      for (index_t job = next++; job < chosen.jobs; job = next++) {
        worker(job);
        told.piece_done();
      }
    } catch (...) {
      next = chosen.jobs;  // the others end after what they are at
      const std::lock_guard lock{mutex};
      if (!problem) problem = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  try {
    for (index_t i = 1; i < std::min(chosen.threads, chosen.jobs); ++i) others.emplace_back(work);
  } catch (const std::system_error&) {
    // fewer threads than hoped for do the same work
  }
  work();
  for (std::thread& other : others) other.join();
  if (problem) std::rethrow_exception(problem);
}

/// As many as the machine has cores, where none are asked for.
inline index_t threads_or_cores(index_t asked) noexcept {
  return asked > 0 ? asked : std::max<index_t>(1, static_cast<index_t>(std::thread::hardware_concurrency()));
}

}  // namespace fissile::unravel
