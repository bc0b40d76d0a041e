// A plain pool of std::thread, for programs that have no pool of their own to lend.
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/base/executor.hpp>
#include <fissile/base/index.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace fissile {

/// `threads` in all, the caller's included; they sleep between calls. One call at a time.
class thread_pool {
public:
  explicit thread_pool(index_t threads) {
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
      busy_ = length(workers_);
      ++round_;
    }
    wake_.notify_all();
    take(f);
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
  }

private:
  void take(task_reference f) noexcept {
    for (index_t task = next_.fetch_add(1); task < tasks_; task = next_.fetch_add(1)) f(task);
  }

  void work() {
    for (std::uint64_t seen = 0;;) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return ending_ || round_ != seen; });
      if (ending_) return;
      seen = round_;
      const task_reference f = *body_;
      lock.unlock();
      take(f);
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  const task_reference* body_ = nullptr;
  index_t tasks_ = 0;
  std::atomic<index_t> next_ = 0;
  index_t busy_ = 0;
  std::uint64_t round_ = 0;
  bool ending_ = false;
};

}  // namespace fissile
