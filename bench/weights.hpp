// Layers to time: enough copies that no call finds its weights in a cache.
#pragma once

#include "machine.hpp"
#include "options.hpp"
#include "peers/peer.hpp"

#include <fissile/base/random.hpp>
#include <fissile/pack/arena.hpp>
#include <fissile/pack/panel_writer.hpp>
#include <fissile/weights/ffn_weights.hpp>

#include <cmath>
#include <cstring>
#include <vector>

namespace fissile::bench {

/// How many copies of a layer of `bytes` calls must rotate over: together more than four times the last cache, and
/// what the calls read between two visits of a copy, `active` of each, exceeds it, too.
inline std::size_t copies_needed(double bytes, double active) {
  const auto cache = static_cast<double>(last_level_cache());
  const double all = std::floor(4 * cache / bytes) + 1;
  const double touched = std::ceil(1.25 * cache / (active * bytes)) + 1;
  return static_cast<std::size_t>(std::max(all, touched));
}

/// A gated layer as model files hold it: gate, up and down one after the other, on huge pages.
template <element T>
class plain_weights {
public:
  plain_weights(layer_shape shape) : shape_(shape), memory_(3 * each() * static_cast<index_t>(sizeof(T))) {}

  /// The same numbers for the same seed, of a size that keeps activations near 1.
  void fill(std::uint64_t seed) {
    random_source random{seed};
    const auto numbers = [&](T* to, index_t inputs) {
      const float scale = 3.0f / std::sqrt(static_cast<float>(inputs));
      for (index_t i = 0; i < each(); i += 4) {
        std::uint64_t bits = random.bits();
        for (index_t j = i; j < std::min(each(), i + 4); ++j, bits >>= 16) {
          to[j] = converted<T>((static_cast<float>(bits & 0xffff) / 32768.0f - 1.0f) * scale);
        }
      }
    };
    numbers(data(), shape_.width);
    numbers(data() + each(), shape_.width);
    numbers(data() + 2 * each(), shape_.neurons);
  }
  /// The same numbers, widened where they must be.
  template <element From>
  void copy(const plain_weights<From>& from) {
    for (index_t i = 0; i < 3 * each(); ++i) data()[i] = converted<T>(from.data()[i]);
  }

  ffn_weights<T> view() const noexcept {
    return {.gate = {data(), shape_.neurons, shape_.width},
            .up = {data() + each(), shape_.neurons, shape_.width},
            .down = {data() + 2 * each(), shape_.width, shape_.neurons}};
  }
  plain_layer plain() const noexcept requires std::same_as<T, float> { return {data(), data() + 2 * each()}; }
  T* data() noexcept { return reinterpret_cast<T*>(memory_.data()); }
  const T* data() const noexcept { return reinterpret_cast<const T*>(memory_.data()); }

private:
  index_t each() const noexcept { return shape_.width * shape_.neurons; }

  layer_shape shape_;
  arena<huge_pages> memory_;
};

/// Tokens of numbers between -1 and 1. [batch x width]
inline std::vector<float> random_tokens(index_t batch, index_t width) {
  random_source random{7};
  std::vector<float> tokens(to_size(batch * width));
  for (float& x : tokens) x = static_cast<float>(2 * random.uniform() - 1);
  return tokens;
}

}  // namespace fissile::bench
