// A plain pool of std::thread, for programs that have no pool of their own to lend.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/executor.hpp>
#include <fissile/base/index.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace fissile {

/// `threads` in all, the caller's included. One call at a time. Between calls they watch for the next for some 50
/// microseconds, since a layer makes several calls in a row and waking a thread costs as much as a small layer, then
/// sleep.
class thread_pool {
public:
  /// Throws setting_error for less than one, std::system_error where the system has no more threads to give; those
  /// that had begun have ended then.
  explicit thread_pool(index_t threads) : thread_pool() {  // from here on the destructor ends what has begun
    if (threads < 1) {
      fail<setting_error>({.argument = "thread_pool: threads",
                           .expected = "at least 1, the caller's own",
                           .got = std::to_string(threads)});
    }
    workers_.reserve(to_size(threads - 1));
    for (index_t i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  index_t threads() const noexcept { return length(workers_) + 1; }

  void operator()(index_t tasks, task_reference f) noexcept {
    if (workers_.empty() || tasks < 2) return serial{}(tasks, f);
    {
      const std::lock_guard lock(mutex_);
      body_ = &f;
      tasks_ = tasks;
      next_.store(0, std::memory_order_relaxed);
      busy_.store(length(workers_), std::memory_order_relaxed);
      round_.fetch_add(1, std::memory_order_release);
    }
    if (sleeping_.load() > 0) wake_.notify_all();
    take(f);
    watch([this] { return busy_.load(std::memory_order_acquire) == 0; });
    if (busy_.load(std::memory_order_acquire) == 0) return;
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_.load(std::memory_order_acquire) == 0; });
  }

private:
  thread_pool() = default;

  void take(task_reference f) noexcept {
    for (index_t task = next_.fetch_add(1); task < tasks_; task = next_.fetch_add(1)) f(task);
  }

  /// Looks for what another thread is about to do; gives up after a while.
  template <class Ready>
  static void watch(const Ready& ready) noexcept {
    const auto start = std::chrono::steady_clock::now();
    while (!ready()) {
      for (int pause = 0; pause < 64 && !ready(); ++pause) relax();
      if (std::chrono::steady_clock::now() - start > std::chrono::microseconds(50)) return;
    }
  }
  static void relax() noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_ia32_pause();
#endif
  }

  void work() {
    for (std::uint64_t seen = 0;;) {
      watch([&] { return round_.load(std::memory_order_acquire) != seen; });
      std::unique_lock lock(mutex_);
      sleeping_.fetch_add(1);
      wake_.wait(lock, [&] { return ending_ || round_.load(std::memory_order_acquire) != seen; });
      sleeping_.fetch_sub(1);
      if (ending_) return;
      seen = round_.load(std::memory_order_acquire);
      const task_reference f = *body_;
      lock.unlock();
      take(f);
      if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        const std::lock_guard waking(mutex_);  // the caller is either still looking or already waiting
        done_.notify_one();
      }
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const task_reference* body_ = nullptr;
  index_t tasks_ = 0;
  std::atomic<index_t> next_ = 0;
  std::atomic<index_t> busy_ = 0;
  std::atomic<index_t> sleeping_ = 0;
  std::atomic<std::uint64_t> round_ = 0;
  bool ending_ = false;
};

}  // namespace fissile
