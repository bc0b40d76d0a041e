// Random layers, tokens and routes for property tests, the same on every machine.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/route/workspace.hpp>
#include <fissile/weights/owned_ffn.hpp>

#include <cmath>
#include <vector>

namespace fissile::testing {

template <element T>
T narrow(double value) {
  if constexpr (std::same_as<T, bf16>) {
    return to_bf16(static_cast<float>(value));
  } else if constexpr (std::same_as<T, f16>) {
    return to_f16(static_cast<float>(value));
  } else {
    return static_cast<T>(value);
  }
}

/// Normal numbers times `scale`.
template <element T>
std::vector<T> random_numbers(random_source& random, index_t count, double scale = 1) {
  std::vector<T> numbers(to_size(count));
  for (T& number : numbers) number = narrow<T>(scale * random.normal());
  return numbers;
}

enum class gate { present, absent };
enum class biases { present, absent };

struct layer_shape {
  index_t width = 16;
  index_t neurons = 64;
  gate gated = gate::present;
  biases biased = biases::absent;
};

/// Weights of a size that keeps hidden activations near 1.
template <element T>
owned_ffn<T> random_ffn(random_source& random, layer_shape shape) {
  const double in = 1 / std::sqrt(static_cast<double>(shape.width));
  const double out = 1 / std::sqrt(static_cast<double>(shape.neurons));
  const index_t numbers = shape.neurons * shape.width;
  owned_ffn<T> ffn;
  ffn.width = shape.width;
  ffn.neurons = shape.neurons;
  if (shape.gated == gate::present) ffn.gate = random_numbers<T>(random, numbers, in);
  ffn.up = random_numbers<T>(random, numbers, in);
  ffn.down = random_numbers<T>(random, numbers, out);
  if (shape.biased == biases::present) {
    if (shape.gated == gate::present) ffn.gate_bias = random_numbers<bias_of<T>>(random, shape.neurons, 0.3);
    ffn.up_bias = random_numbers<bias_of<T>>(random, shape.neurons, 0.3);
    ffn.down_bias = random_numbers<bias_of<T>>(random, shape.width, 0.3);
  }
  return ffn;
}

/// A shape with a width from 1 to 40 and neurons from `least` to 96; gate and biases by chance.
inline layer_shape random_shape(random_source& random, index_t least = 1) {
  return {.width = 1 + random.below(40),
          .neurons = least + random.below(97 - least),
          .gated = random.below(2) == 0 ? gate::present : gate::absent,
          .biased = random.below(2) == 0 ? biases::present : biases::absent};
}

/// Routes with each expert chosen by chance `share`, and random weights.
inline void random_routes(random_source& random, workspace& work, index_t tokens, double share) {
  work.start(tokens);
  for (route& chosen : work.routes()) {
    for (index_t expert = 0; expert < work.experts(); ++expert) {
      if (random.uniform() < share) chosen.append({expert, static_cast<float>(random.uniform() + 0.5)});
    }
  }
}

}  // namespace fissile::testing
