// The threads a bench runs on, each on a processor of its own, and whether they have it to themselves.
#pragma once

#include "machine.hpp"
#include "measure.hpp"

#include <limits/vector_peaks.hpp>

#include <fissile/base/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace fissile::bench {

using limits::burst_for;
using limits::peak_burst;

/// `threads` in all, the caller's included, which stays on the first processor from now on.
class crew {
public:
  explicit crew(index_t threads) : pool_(threads), processors_(usable_at_start()), seconds_(to_size(threads)) {
    each([&](index_t thread) {
      if (!processors_.empty()) pin_to(processors_[to_size(thread) % processors_.size()]);
    });
    for (int burst = 0; burst < 50; ++burst) quickest_ = std::min(quickest_, slowest_burst());
  }

  index_t threads() const noexcept { return pool_.threads(); }
  thread_pool& pool() noexcept { return pool_; }

  /// f(thread), once on every thread: tasks wait for each other, so that no thread takes two.
  template <class Function>
  void each(Function&& f) {
    std::atomic<index_t> here = 0;
    const auto body = [&](index_t task) noexcept {
      here.fetch_add(1);
      while (here.load() < threads()) std::this_thread::yield();
      f(task);
    };
    pool_(threads(), task_reference{body});
  }

  /// Whether every thread has its processor now: a burst of arithmetic takes little longer than the best so far.
  bool complete() {
    const double slowest = slowest_burst();
    quickest_ = std::min(quickest_, slowest);
    return slowest < 1.3 * quickest_;
  }
  /// Waits until it is so; in vain on a machine that is busy with something else.
  bool wait_until_complete(int attempts = 20) {
    for (int attempt = 0; attempt < attempts; ++attempt) {
      if (complete()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return false;
  }

private:
  /// The processors before anybody was pinned.
  static const std::vector<int>& usable_at_start() {
    static const std::vector<int> found = usable_processors();
    return found;
  }
  double slowest_burst() {
    const peak_burst burst = burst_for(best_instruction_set());
    each([&](index_t thread) { seconds_[to_size(thread)] = seconds_of([&] { burst(20000); }); });
    return *std::max_element(seconds_.begin(), seconds_.end());
  }

  thread_pool pool_;
  std::vector<int> processors_;
  std::vector<double> seconds_;
  double quickest_ = 1e9;
};

}  // namespace fissile::bench
