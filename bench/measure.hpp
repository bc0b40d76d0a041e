// Medians of paired samples: competitors take turns, so that a busy moment of the machine hits all of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

namespace fissile::bench {

/// Seconds: the median of `rounds` samples of each work, taken in turns; each sample is the mean of enough repetitions
/// to last about `least` seconds.
inline std::vector<double> paired_medians(const std::vector<std::function<void()>>& works, int rounds,
                                          double least = 0.02) {
  using clock = std::chrono::steady_clock;
  const auto seconds = [](const std::function<void()>& work, int repetitions) {
    const auto start = clock::now();
    for (int i = 0; i < repetitions; ++i) work();
    return std::chrono::duration<double>(clock::now() - start).count() / repetitions;
  };
  std::vector<int> repetitions;
  for (const auto& work : works) {
    work();  // warm
    repetitions.push_back(std::max(1, static_cast<int>(least / std::max(1e-9, seconds(work, 1)))));
  }
  std::vector<std::vector<double>> samples(works.size());
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < works.size(); ++i) samples[i].push_back(seconds(works[i], repetitions[i]));
  }
  std::vector<double> medians;
  for (std::vector<double>& one : samples) {
    std::nth_element(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(one.size() / 2), one.end());
    medians.push_back(one[one.size() / 2]);
  }
  return medians;
}

}  // namespace fissile::bench
