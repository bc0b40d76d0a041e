// A model of random weights that exists layer by layer only: what speed is measured on where no file is at hand.
#pragma once

#include <engine/model.hpp>

#include <fissile/base/random.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace fissile::unravel {

/// A source for `packed_model`. What one call gives is good until the next.
class synthetic_model {
public:
  synthetic_model(const engine::architecture& sizes, index_t vocabulary, std::uint64_t seed)
      : sizes_(sizes), vocabulary_(vocabulary), random_(seed), ones_(to_size(sizes.width), 1.0f) {}

  const engine::architecture& sizes() const noexcept { return sizes_; }
  index_t vocabulary() const noexcept { return vocabulary_; }
  vector_view<const float> output_norm() const noexcept { return ones_; }
  matrix_view<const float> embedding() {
    start(vocabulary_ * sizes_.width);
    return next(vocabulary_, sizes_.width);
  }
  matrix_view<const float> output() { return embedding(); }

  engine::block_weights block(index_t) {
    const index_t width = sizes_.width, query = sizes_.query_width(), key = sizes_.key_width();
    start(2 * width * (query + key));
    engine::block_weights made;
    made.attention_norm = made.ffn_norm = ones_;
    made.query = next(query, width);
    made.key = next(key, width);
    made.value = next(key, width);
    made.output = next(width, query);
    return made;
  }
  ffn_weights<float> ffn(index_t) {
    start(3 * sizes_.width * sizes_.neurons);
    ffn_weights<float> made;
    made.gate = next(sizes_.neurons, sizes_.width);
    made.up = next(sizes_.neurons, sizes_.width);
    made.down = next(sizes_.width, sizes_.neurons);
    return made;
  }

private:
  void start(index_t numbers) {
    numbers_.resize(to_size(numbers));
    used_ = 0;
  }
  /// Uniform, of mean 0 and variance 1 / columns: the residual stream neither dies nor explodes.
  matrix_view<const float> next(index_t rows, index_t columns) {
    const float scale = std::sqrt(3.0f / static_cast<float>(columns)) / 32768.0f;
    float* drawn = numbers_.data() + used_;
    used_ += rows * columns;
    std::uint64_t bits = 0;
    for (index_t i = 0; i < rows * columns; ++i, bits >>= 16) {
      if (i % 4 == 0) bits = random_.bits();
      drawn[i] = (static_cast<float>(bits & 0xffff) - 32767.5f) * scale;
    }
    return {drawn, rows, columns};
  }

  engine::architecture sizes_;
  index_t vocabulary_;
  random_source random_;
  std::vector<float> ones_;     // [width]
  std::vector<float> numbers_;  // of the last call
  index_t used_ = 0;
};

/// Of the shape of a well-known model. Throws setting_error for a name it does not know.
inline synthetic_model synthetic_model_named(const std::string& name, std::uint64_t seed) {
  if (name != "tinyllama") {
    fail<setting_error>({.argument = "--synthetic", .expected = "tinyllama", .got = name});
  }
  engine::architecture sizes;
  sizes.context = 2048;
  sizes.width = 2048;
  sizes.layers = 22;
  sizes.neurons = 5632;
  sizes.heads = 32;
  sizes.key_heads = 4;
  sizes.head_size = 64;
  sizes.rotated = 64;
  return {sizes, 32000, seed};
}

}  // namespace fissile::unravel
