// ggml's own threads as the executor that fissile asks for.
//
// ggml calls a custom op once on each of its threads, at the same time, as thread `ith` of `nth`. Thread 0 computes and
// lends out tasks; the others carry them out until it is done. So one token, too, is computed by all threads, and the
// bits are those of any other executor.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/executor.hpp>

#include <atomic>
#include <cstdint>
#include <thread>

namespace fissile::ggml_observer {

/// An executor while `run` is under way. Owns no thread.
class crew {
public:
  /// threads: into how many tasks work is cut; no result depends on it, and ggml may come with more or fewer.
  explicit crew(index_t threads) noexcept : threads_(threads) {}
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;

  index_t threads() const noexcept { return threads_; }

  /// Called by all nth threads of one op: `work()` is called on thread 0, which uses this executor. All return when it
  /// is done.
  template <class Work>
  void run(int ith, int nth, const Work& work) noexcept {
    if (ith == 0) {
      work();
      // Nobody of this op is still on the way when the next one begins.
      while (arrived_.load(std::memory_order_acquire) != nth - 1) std::this_thread::yield();
      arrived_.store(0, std::memory_order_relaxed);
      round_.fetch_add(1, std::memory_order_release);
      return;
    }
    const std::uint32_t round = round_.load(std::memory_order_acquire);  // before arriving: then it cannot have ended
    arrived_.fetch_add(1, std::memory_order_acq_rel);
    while (round_.load(std::memory_order_acquire) == round) {
      if (!take_one()) std::this_thread::yield();
    }
  }

  /// For thread 0, within `run`.
  void operator()(index_t tasks, task_reference f) noexcept {
    Expects(tasks >= 0 && tasks <= index_t{most});
    body_ = &f;
    done_.store(0, std::memory_order_relaxed);
    state_.store(static_cast<std::uint32_t>(tasks) << 16, std::memory_order_release);
    while (take_one()) {
    }
    while (done_.load(std::memory_order_acquire) != static_cast<std::uint32_t>(tasks)) std::this_thread::yield();
  }

private:
  static constexpr std::uint32_t most = 0xffff;

  /// Whoever takes a task keeps the body alive: thread 0 waits for all that were taken.
  bool take_one() noexcept {
    std::uint32_t state = state_.load(std::memory_order_acquire);
    while ((state & most) < state >> 16) {
      if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel, std::memory_order_acquire))
        continue;
      (*body_)(static_cast<index_t>(state & most));
      done_.fetch_add(1, std::memory_order_release);
      return true;
    }
    return false;
  }

  index_t threads_;
  const task_reference* body_ = nullptr;
  std::atomic<std::uint32_t> state_ = 0;  // tasks, 16 bits, and the next one to take, 16 bits
  std::atomic<std::uint32_t> done_ = 0;   // tasks of this body
  std::atomic<std::uint32_t> round_ = 0;  // ops that have ended
  std::atomic<int> arrived_ = 0;          // threads of this op but thread 0
};

}  // namespace fissile::ggml_observer
