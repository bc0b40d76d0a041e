// The two limits of a layer on this machine: reading its weights once, and multiplying.
#pragma once

#include "crew.hpp"

#include <limits/stream_kernels.hpp>

#include <fissile/pack/arena.hpp>

#include <cstring>

namespace fissile::bench {

/// A read of a whole GiB, larger than any cache, on huge pages.
class stream_read {
public:
  static constexpr index_t bytes = index_t{1} << 30;

  stream_read() : memory_(bytes + fetched_beyond) { std::memset(memory_.data(), 1, to_size(bytes + fetched_beyond)); }

  /// Takes the fastest way of reading for these threads; measured again for each crew.
  void choose(crew& threads) {
    double best = 1e9;
    for (const limits::stream_kernel& kernel : limits::stream_kernels()) {
      limits::stream_kernel previous = std::exchange(kernel_, kernel);
      double quickest = seconds(threads, bytes / 4);
      for (int again = 0; again < 2; ++again) quickest = std::min(quickest, seconds(threads, bytes / 4));
      if (quickest < best) {
        best = quickest;
      } else {
        kernel_ = std::move(previous);
      }
    }
  }
  const std::string& kernel() const { return kernel_.name; }

  /// Bytes a second, now.
  double rate(crew& threads) { return static_cast<double>(bytes) / seconds(threads, bytes); }

private:
  static constexpr index_t fetched_beyond = 1 << 16;

  double seconds(crew& threads, index_t count) {
    const index_t each = count / threads.threads() / 4096 * 4096;
    const auto body = [&](index_t part) noexcept {
      sum_.fetch_add(kernel_.read(memory_.data() + part * each, to_size(each), kernel_.ahead));
    };
    const double time = seconds_of([&] { threads.pool()(threads.threads(), task_reference{body}); });
    return time * static_cast<double>(count) / static_cast<double>(each * threads.threads());
  }

  arena<huge_pages> memory_;
  limits::stream_kernel kernel_{};
  std::atomic<std::uint64_t> sum_ = 0;
};

/// Floating point operations a second, now, of all threads together.
inline double peak_rate(crew& threads, peak_burst burst) {
  constexpr std::int64_t steps = 200000;
  std::atomic<double> operations = 0;
  double time = 0;
  const auto body = [&](index_t) noexcept {
    const double mine = burst(steps);
    double before = operations.load();
    while (!operations.compare_exchange_weak(before, before + mine)) {
    }
  };
  time = seconds_of([&] { threads.pool()(threads.threads(), task_reference{body}); });
  return operations.load() / time;
}

}  // namespace fissile::bench
