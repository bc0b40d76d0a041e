// Medians of paired samples: competitors take turns, so that a busy moment of the machine hits all of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace fissile::bench {

/// Seconds of one call.
template <class Work>
double seconds_of(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  std::forward<Work>(work)();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Of an even number of samples the higher middle one; 0 of none.
inline double median(std::vector<double> samples) {
  if (samples.empty()) return 0;
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

/// Seconds: the median of `rounds` samples of each work, taken in turns; each sample is the mean of enough repetitions
/// to last about `least` seconds.
inline std::vector<double> paired_medians(const std::vector<std::function<void()>>& works, int rounds,
                                          double least = 0.02) {
  std::vector<int> repetitions;
  for (const auto& work : works) {
    work();  // warm
    repetitions.push_back(std::max(1, static_cast<int>(least / std::max(1e-9, seconds_of(work)))));
  }
  std::vector<std::vector<double>> samples(works.size());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < works.size(); ++i) {
      const int times = repetitions[i];
      samples[i].push_back(seconds_of([&] {
                             for (int repetition = 0; repetition < times; ++repetition) works[i]();
                           }) /
                           times);
    }
  }
  std::vector<double> medians;
  for (std::vector<double>& one : samples) medians.push_back(median(std::move(one)));
  return medians;
}

}  // namespace fissile::bench
