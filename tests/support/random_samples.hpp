// Random inputs of a linear layer, sample by sample, for tests of what is measured on texts.
#pragma once

#include "support/random_ffn.hpp"

namespace fissile::testing {

/// The inputs of one sample. [positions x width]
struct input_sample {
  std::vector<float> numbers;
  index_t width = 0;
  index_t positions() const { return length(numbers) / width; }
  matrix_view<const float> view() const { return {numbers.data(), positions(), width}; }
};

/// `count` samples of 1 to `longest` positions. Inputs go together: each is a mix of `width / 4 + 1` common causes and
/// a little of its own, and is larger or smaller than others.
inline std::vector<input_sample> random_samples(random_source& random, index_t width, index_t count,
                                                index_t longest = 12) {
  const index_t causes = width / 4 + 1;
  const std::vector<float> mix = random_numbers<float>(random, causes * width);
  std::vector<float> scale;
  for (index_t j = 0; j < width; ++j) scale.push_back(static_cast<float>(std::exp(random.normal())));
  std::vector<input_sample> made;
  for (index_t s = 0; s < count; ++s) {
    made.push_back({.numbers = {}, .width = width});
    for (index_t position = 1 + random.below(longest); position > 0; --position) {
      const std::vector<float> cause = random_numbers<float>(random, causes);
      for (index_t j = 0; j < width; ++j) {
        float x = 0.3f * static_cast<float>(random.normal());
        for (index_t c = 0; c < causes; ++c) x += cause[to_size(c)] * mix[to_size(c * width + j)];
        made.back().numbers.push_back(scale[to_size(j)] * x);
      }
    }
  }
  return made;
}

/// All positions of all samples.
inline input_sample joined(const std::vector<input_sample>& samples) {
  input_sample all{.numbers = {}, .width = samples.front().width};
  for (const input_sample& one : samples) all.numbers.insert(all.numbers.end(), one.numbers.begin(), one.numbers.end());
  return all;
}

/// What `Measure`, an input_moments or an input_hessian, finds in the samples.
template <class Measure>
Measure measured(const std::vector<input_sample>& samples, std::string corpus = "guide") {
  Measure found{{.width = samples.front().width, .corpus = std::move(corpus)}};
  for (const input_sample& one : samples) {
    found.add(one.view());
    found.sample_end();
  }
  return found;
}

}  // namespace fissile::testing
