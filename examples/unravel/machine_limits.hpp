// What this machine can do at most, measured beside what is judged by it: a streaming read, and independent chains of
// multiply-and-add in registers. Both run on the caller's threads.
#pragma once

#include <fissile/base/executor.hpp>
#include <fissile/pack/arena.hpp>

#include <limits/stream_kernels.hpp>
#include <limits/vector_peaks.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <utility>

namespace fissile::unravel {

/// Seconds of one call.
template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Reads memory of its own, over and over again, in the way that is fastest on this machine with these threads.
class stream_read {
public:
  /// bytes: of the memory; as large as what it stands for, so that caches help both alike. Takes a second or two to
  /// find the fastest reader.
  explicit stream_read(index_t bytes, executor_reference run = {})
      : blocks_(std::max<index_t>(1, bytes / block)), run_(run), memory_(blocks_ * block) {
    std::memset(memory_.data(), 1, to_size(memory_.bytes()));
    choose();
  }

  /// Seconds in which `bytes` are read, going on where the last call ended.
  double seconds(index_t bytes) noexcept {
    return seconds_of([&] {
      for (index_t left = std::max<index_t>(1, bytes / block); left > 0;) {
        const index_t count = std::min(left, blocks_ - at_);
        read(count);
        at_ = (at_ + count) % blocks_;
        left -= count;
      }
    });
  }

private:
  static constexpr index_t block = 512;  // bytes that a reader takes at once

  void choose() {
    const index_t trial = std::min<index_t>(blocks_ * block, index_t{1} << 27);
    double best = 0;
    for (const limits::stream_kernel& candidate : limits::stream_kernels()) {
      const limits::stream_kernel previous = std::exchange(kernel_, candidate);
      const double quickest = std::min(seconds(trial), seconds(trial));
      if (best == 0 || quickest < best) {
        best = quickest;
      } else {
        kernel_ = previous;
      }
    }
  }

  void read(index_t blocks) noexcept {
    const index_t slices = std::max<index_t>(1, run_.threads());
    run_(slices, [&](index_t slice) noexcept {
      const index_t begin = blocks * slice / slices, end = blocks * (slice + 1) / slices;
      sum_.fetch_add(
          kernel_.read(memory_.data() + (at_ + begin) * block, to_size((end - begin) * block), kernel_.ahead));
    });
  }

  index_t blocks_, at_ = 0;
  executor_reference run_;
  arena<huge_pages> memory_;
  limits::stream_kernel kernel_{};
  std::atomic<std::uint64_t> sum_ = 0;  // of what was read, so that nothing is left out
};

/// Which products a peak is of.
enum class peak_of { floats, bf16_pairs };

/// FLOPs a second of all threads together, a product and a sum counting as two. Pairs of bf16 are as floats where the
/// processor has no instruction for them. Takes a few milliseconds at most.
inline double measured_peak(peak_of which, executor_reference run = {}) {
  constexpr index_t bursts = 64;  // for each thread: the last one to finish waits for little
  const limits::peak_burst burst = limits::burst_for(best_instruction_set(), which == peak_of::bf16_pairs);
  const index_t tasks = bursts * std::max<index_t>(1, run.threads());
  std::atomic<std::uint64_t> operations = 0;
  const double seconds = seconds_of(
      [&] { run(tasks, [&](index_t) noexcept { operations.fetch_add(static_cast<std::uint64_t>(burst(20000))); }); });
  return static_cast<double>(operations.load()) / seconds;
}

}  // namespace fissile::unravel
