// The feed-forward layer written once more, straight from its formula, in long double and without anything of the
// library but where the numbers lie: what every faster path is compared with in tests.
#pragma once

#include <fissile/weights/activations.hpp>
#include <fissile/weights/owned_ffn.hpp>

#include <cmath>
#include <vector>

namespace fissile::testing {

inline long double plain_number(double value) {
  return value;
}
inline long double plain_number(bf16 value) {
  const bool negative = value.bits >> 15 != 0;
  const int exponent = (value.bits >> 7) & 0xff;
  const int digits = value.bits & 0x7f;
  const long double size =
      exponent == 0 ? std::ldexp(1.0L * digits, -133) : std::ldexp(128.0L + digits, exponent - 134);
  return negative ? -size : size;
}
inline long double plain_number(f16 value) {
  const bool negative = value.bits >> 15 != 0;
  const int exponent = (value.bits >> 10) & 0x1f;
  const int digits = value.bits & 0x3ff;
  const long double size = exponent == 0 ? std::ldexp(1.0L * digits, -24) : std::ldexp(1024.0L + digits, exponent - 25);
  return negative ? -size : size;
}

inline long double plain(silu, long double z) {
  return z / (1 + std::exp(-z));
}
inline long double plain(gelu, long double z) {
  return z / 2 * std::erfc(-z / std::sqrt(2.0L));
}
inline long double plain(gelu_tanh, long double z) {
  return z / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0L)) * (z + 0.044715L * z * z * z)));
}
inline long double plain(relu, long double z) {
  return z > 0 ? z : 0;
}
inline long double plain(relu2, long double z) {
  return z > 0 ? z * z : 0;
}

/// The hidden activation of one neuron. token: [width]
template <element T, class Activation>
long double plain_hidden(const owned_ffn<T>& ffn, Activation activate, index_t neuron, const float* token) {
  long double gate = ffn.gate_bias.empty() ? 0.0L : static_cast<long double>(ffn.gate_bias[to_size(neuron)]);
  long double up = ffn.up_bias.empty() ? 0.0L : static_cast<long double>(ffn.up_bias[to_size(neuron)]);
  for (index_t i = 0; i < ffn.width; ++i) {
    const std::size_t at = to_size(neuron * ffn.width + i);
    const auto x = static_cast<long double>(token[i]);
    if (!ffn.gate.empty()) gate += plain_number(ffn.gate[at]) * x;
    up += plain_number(ffn.up[at]) * x;
  }
  return ffn.gate.empty() ? plain(activate, up) : plain(activate, gate) * up;
}

/// One token's output. share: [neurons], what each neuron's activation is multiplied by; empty: 1 for all.
template <element T, class Activation>
std::vector<long double> plain_ffn(const owned_ffn<T>& ffn, Activation activate, const float* token,
                                   const std::vector<double>& share = {}) {
  std::vector<long double> out(to_size(ffn.width), 0.0L);
  for (index_t i = 0; i < ffn.width; ++i) {
    if (!ffn.down_bias.empty()) out[to_size(i)] = static_cast<long double>(ffn.down_bias[to_size(i)]);
  }
  for (index_t neuron = 0; neuron < ffn.neurons; ++neuron) {
    const long double part = share.empty() ? 1.0L : static_cast<long double>(share[to_size(neuron)]);
    if (part == 0) continue;
    const long double hidden = part * plain_hidden(ffn, activate, neuron, token);
    for (index_t i = 0; i < ffn.width; ++i) {
      out[to_size(i)] += plain_number(ffn.down[to_size(i * ffn.neurons + neuron)]) * hidden;
    }
  }
  return out;
}

}  // namespace fissile::testing
