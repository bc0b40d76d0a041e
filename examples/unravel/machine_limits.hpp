// What this machine can do at most, measured beside what is judged by it: a streaming read, and independent chains of
// multiply-and-add in registers. Both run on the caller's threads.
#pragma once

#include <fissile/base/executor.hpp>
#include <fissile/pack/arena.hpp>
#include <fissile/pack/kernel/dot_tile.hpp>
#include <fissile/pack/kernel/isa.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

namespace fissile::unravel {

/// Seconds of one call.
template <class Work>
double seconds_of(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

namespace limits {

inline constexpr index_t line = 64;      // bytes
inline constexpr int chains = 12;        // enough to hide the latency of any current processor; fits 16 registers
inline constexpr index_t steps = 20000;  // of every chain, in one call

struct read_work {
  const std::byte* from;
  index_t lines;
  float* sink;  // [16]: what was read, combined, so that nothing is left out
};
struct chain_work {
  float* sink;  // [16]
};

/// The compiler must think that these numbers have changed: products of constants would leave the loop.
template <class Vector>
FISSILE_INSIDE void forget(Vector& numbers) {
#if FISSILE_X86_TARGETS && !defined(__clang__)
  asm volatile("" : "+x"(numbers));
#else
  asm volatile("" : "+m"(numbers));  // clang judges the size of a register before it knows the instruction set
#endif
}

template <class Isa>
FISSILE_INSIDE void read_lines(const read_work& work) {
  using namespace kernel;
  constexpr int lanes = Isa::lanes, parts = 16 / lanes;
  ints<lanes> sums[parts]{}, one;
  for (index_t at = 0; at < work.lines; ++at) {
    const std::byte* from = work.from + at * line;
#pragma GCC unroll 8
    for (int part = 0; part < parts; ++part) {
      load_bits<lanes>(from + part * lanes * 4, one);
      sums[part] ^= one;
    }
  }
#pragma GCC unroll 8
  for (int part = 0; part < parts; ++part) {
    store<lanes>(reinterpret_cast<floats<lanes>>(sums[part]), work.sink + part * lanes);
  }
}

template <class Isa>
FISSILE_INSIDE void run_chains(const chain_work& work) {
  using namespace kernel;
  constexpr int lanes = Isa::lanes;
  floats<lanes> sums[chains], a = floats<lanes>{} + 0.5f;
  const floats<lanes> b = floats<lanes>{} + 0.25f;
#pragma GCC unroll 16
  for (int chain = 0; chain < chains; ++chain) sums[chain] = floats<lanes>{} + static_cast<float>(chain);
  for (index_t step = 0; step < steps; ++step) {
    forget(a);
#pragma GCC unroll 16
    for (int chain = 0; chain < chains; ++chain) multiply_add<lanes, Isa::fused>(a, b, sums[chain]);
  }
#pragma GCC unroll 16
  for (int chain = 1; chain < chains; ++chain) sums[0] += sums[chain];
  store<lanes>(sums[0], work.sink);
}

template <bool fused = arithmetic::fused>
void read_base(const read_work& work) noexcept {
  read_lines<kernel::base_isa<fused>>(work);
}
template <bool fused = arithmetic::fused>
void chains_base(const chain_work& work) noexcept {
  run_chains<kernel::base_isa<fused>>(work);
}
#if FISSILE_X86_TARGETS
FISSILE_TARGET_AVX2 inline void read_avx2(const read_work& work) noexcept {
  read_lines<kernel::avx2_isa>(work);
}
FISSILE_TARGET_AVX512 inline void read_avx512(const read_work& work) noexcept {
  read_lines<kernel::avx512_isa>(work);
}
FISSILE_TARGET_AVX2 inline void chains_avx2(const chain_work& work) noexcept {
  run_chains<kernel::avx2_isa>(work);
}
FISSILE_TARGET_AVX512 inline void chains_avx512(const chain_work& work) noexcept {
  run_chains<kernel::avx512_isa>(work);
}
FISSILE_TARGET_AVX512_BF16 inline void chains_bf16(const chain_work& work) noexcept {
  using namespace kernel;
  floats<16> sums[chains];
  ints<16> a = ints<16>{} + 0x3f003f00;        // 0.5, twice
  const ints<16> b = ints<16>{} + 0x3e803e80;  // 0.25, twice
#pragma GCC unroll 16
  for (int chain = 0; chain < chains; ++chain) sums[chain] = floats<16>{} + static_cast<float>(chain);
  for (index_t step = 0; step < steps; ++step) {
    forget(a);
#pragma GCC unroll 16
    for (int chain = 0; chain < chains; ++chain) dot_bf16(a, b, sums[chain]);
  }
#pragma GCC unroll 16
  for (int chain = 1; chain < chains; ++chain) sums[0] += sums[chain];
  store<16>(sums[0], work.sink);
}
#endif

}  // namespace limits

/// Reads memory of its own, from front to back and over again.
class stream_read {
public:
  /// bytes: of the memory; as large as what it stands for, so that caches help both alike.
  explicit stream_read(index_t bytes, executor_reference run = {})
      : lines_(std::max<index_t>(1, bytes / limits::line)),
        run_(run),
        memory_(lines_ * limits::line),
        sinks_(to_size(16 * std::max<index_t>(1, run.threads()))) {
    std::memset(memory_.data(), 1, to_size(memory_.bytes()));
  }

  /// Seconds in which `bytes` are read, going on where the last call ended.
  double seconds(index_t bytes) noexcept {
    return seconds_of([&] {
      for (index_t left = std::max<index_t>(1, bytes / limits::line); left > 0;) {
        const index_t count = std::min(left, lines_ - at_);
        read(count);
        at_ = (at_ + count) % lines_;
        left -= count;
      }
    });
  }

private:
  void read(index_t lines) noexcept {
    const index_t slices = length(sinks_) / 16;
    run_(slices, [&](index_t slice) noexcept {
      const index_t begin = lines * slice / slices, end = lines * (slice + 1) / slices;
      const limits::read_work work{memory_.data() + (at_ + begin) * limits::line, end - begin,
                                   sinks_.data() + 16 * slice};
#if FISSILE_X86_TARGETS
      if (best_instruction_set() >= instruction_set::avx512) return limits::read_avx512(work);
      if (best_instruction_set() == instruction_set::avx2) return limits::read_avx2(work);
#endif
      limits::read_base(work);
    });
  }

  index_t lines_, at_ = 0;
  executor_reference run_;
  arena<huge_pages> memory_;
  std::vector<float> sinks_;  // [threads][16]
};

/// Which products a peak is of.
enum class peak_of { floats, bf16_pairs };

/// FLOPs a second of all threads together, a product and a sum counting as two. Pairs of bf16 are as floats where the
/// processor has no instruction for them. Takes a few milliseconds at most.
inline double measured_peak(peak_of which, executor_reference run = {}) {
  const instruction_set set = best_instruction_set();
  const index_t threads = std::max<index_t>(1, run.threads());
  std::vector<float> sinks(to_size(16 * threads));
  const bool pairs = which == peak_of::bf16_pairs && set == instruction_set::avx512_bf16;
  const index_t lanes = set >= instruction_set::avx512 ? 16 : set == instruction_set::avx2 ? 8 : 4;
  constexpr index_t rounds = 64;
  const double seconds = seconds_of([&] {
    run(threads * rounds, [&](index_t task) noexcept {
      const limits::chain_work work{sinks.data() + 16 * (task / rounds)};
#if FISSILE_X86_TARGETS
      if (pairs) return limits::chains_bf16(work);
      if (set >= instruction_set::avx512) return limits::chains_avx512(work);
      if (set == instruction_set::avx2) return limits::chains_avx2(work);
#endif
      limits::chains_base(work);
    });
  });
  const index_t numbers = threads * rounds * limits::steps * limits::chains * lanes * (pairs ? 2 : 1);
  return 2.0 * static_cast<double>(numbers) / seconds;
}

}  // namespace fissile::unravel
