// The columns of stored rows, cut into pieces and multiplied by a factor, in the type they are stored in.
//
// Numbers of 16 and 32 bits are rounded one by one. Of a quantised block only its f16 scales change, and its quants
// keep their bits: the product is exact where the factor is a power of two, and off by at most 2^-11 else. Blocks as in
// ggml's structures.
#pragma once

#include "ffn_tensor.hpp"

#include <fissile/base/view.hpp>
#include <fissile/file/gguf.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace fissile::unravel {

/// Where the f16 factors of a block stand, in bytes; all its numbers are products with one of them, or sums of such.
struct block_scales {
  std::array<std::size_t, 2> offsets = {};
  std::size_t count = 0;  // 0: a type whose blocks cannot be multiplied here
};

constexpr block_scales scales_of(gguf_type type) noexcept {
  switch (static_cast<std::uint32_t>(type)) {
    case 2:   // Q4_0
    case 6:   // Q5_0
    case 8:   // Q8_0
    case 20:  // IQ4_NL
    case 23:  // IQ4_XS
      return {{0}, 1};
    case 3:   // Q4_1
    case 7:   // Q5_1
    case 12:  // Q4_K
    case 13:  // Q5_K
      return {{0, 2}, 2};
    case 10:  // Q2_K
      return {{80, 82}, 2};
    case 11:  // Q3_K
      return {{108}, 1};
    case 14:  // Q6_K
      return {{208}, 1};
    default:
      return {};
  }
}

inline bool widenable(gguf_type type) noexcept {
  return type == gguf_type::f32 || type == gguf_type::f16 || type == gguf_type::bf16 || type == gguf_type::q8_0;
}

/// What rounding has cost: sums of squares over all numbers, of blocks over their scales.
struct rounding_error {
  double apart = 0, whole = 0;
  index_t infinite = 0;  // numbers that were finite before

  void add(float wanted, float got) noexcept {
    const double off = static_cast<double>(got) - static_cast<double>(wanted);
    if (std::isfinite(wanted) && !std::isfinite(got)) {
      ++infinite;
      return;
    }
    apart += off * off;
    whole += static_cast<double>(wanted) * static_cast<double>(wanted);
  }
  rounding_error& operator+=(const rounding_error& more) noexcept {
    apart += more.apart;
    whole += more.whole;
    infinite += more.infinite;
    return *this;
  }
  /// || got - wanted || / || wanted ||
  double relative() const noexcept { return apart > 0 ? std::sqrt(apart / whole) : 0.0; }
};

/// Multiplies every number of whole blocks in place. `type` has scales.
inline void multiply_blocks(gguf_type type, float factor, std::string& blocks, rounding_error& error) {
  const block_scales scales = scales_of(type);
  const auto bytes = static_cast<std::size_t>(layout_of(type).bytes);
  for (std::size_t block = 0; block < blocks.size(); block += bytes) {
    for (std::size_t i = 0; i < scales.count; ++i) {
      char* place = blocks.data() + block + scales.offsets[i];
      f16 scale;
      std::memcpy(&scale, place, sizeof scale);
      const float wanted = factor * to_float(scale);
      scale = to_f16(wanted);
      error.add(wanted, to_float(scale));
      std::memcpy(place, &scale, sizeof scale);
    }
  }
}

/// One row of a tensor, widened; `type` is widenable, and whole blocks make the row.
inline void widen_row(gguf_type type, const char* row, vector_view<float> numbers) noexcept {
  const auto widen_all = [&]<class T>(T) {
    for (index_t i = 0; i < numbers.length(); ++i) {
      T stored;
      std::memcpy(&stored, row + to_size(i) * sizeof(T), sizeof(T));
      numbers[i] = to_float(stored);
    }
  };
  if (type == gguf_type::f32) widen_all(float{});
  if (type == gguf_type::f16) widen_all(f16{});
  if (type == gguf_type::bf16) widen_all(bf16{});
  if (type == gguf_type::q8_0) widen_q8_0(reinterpret_cast<const std::byte*>(row), numbers.data(), numbers.length());
}

/// Numbers of a stored row at these columns, widened; `type` is widenable.
inline void take_columns(gguf_type type, const char* row, vector_view<const index_t> columns, float* to) noexcept {
  const auto take = [&]<class T>(T stored) {
    for (index_t i = 0; i < columns.length(); ++i) {
      std::memcpy(&stored, row + to_size(columns[i]) * sizeof(T), sizeof(T));
      to[i] = to_float(stored);
    }
  };
  if (type == gguf_type::f32) take(float{});
  if (type == gguf_type::f16) take(f16{});
  if (type == gguf_type::bf16) take(bf16{});
  for (index_t i = 0; type == gguf_type::q8_0 && i < columns.length(); ++i) {
    const char* block = row + to_size(columns[i] / 32) * 34;
    f16 scale;
    std::memcpy(&scale, block, sizeof scale);
    to[i] =
        to_float(scale) * static_cast<float>(static_cast<std::int8_t>(block[sizeof scale + to_size(columns[i] % 32)]));
  }
}

/// Appends the numbers as this type stores them, rounded to nearest; Q8_0 by ggml's rule: scale = largest / 127.
inline void append_stored(gguf_type type, vector_view<const float> numbers, std::string& to, rounding_error& error) {
  const auto append = [&](auto stored) { to.append(reinterpret_cast<const char*>(&stored), sizeof stored); };
  if (type != gguf_type::q8_0) {
    const auto append_all = [&](const auto& round) {
      for (const float number : numbers) {
        const auto stored = round(number);
        error.add(number, to_float(stored));
        append(stored);
      }
    };
    if (type == gguf_type::f32) append_all([](float x) { return x; });
    if (type == gguf_type::f16) append_all([](float x) { return to_f16(x); });
    if (type == gguf_type::bf16) append_all([](float x) { return to_bf16(x); });
    return;
  }
  for (index_t first = 0; first < numbers.length(); first += 32) {
    float largest = 0;
    for (index_t i = first; i < first + 32; ++i) largest = std::max(largest, std::abs(numbers[i]));
    const float scale = largest / 127.0f;
    append(to_f16(scale));
    const float stored_scale = to_float(to_f16(scale));
    for (index_t i = first; i < first + 32; ++i) {
      const auto quant = static_cast<std::int8_t>(scale > 0 ? std::lround(numbers[i] / scale) : 0);
      error.add(numbers[i], stored_scale * static_cast<float>(quant));
      append(quant);
    }
  }
}

/// Whether the neurons, ascending, are whole blocks of a stored row, so that it can be cut without being widened.
inline bool whole_blocks(vector_view<const index_t> neurons, index_t block) noexcept {
  if (neurons.length() % block != 0) return false;
  for (index_t i = 0; i < neurons.length(); ++i) {
    if (i % block == 0 ? neurons[i] % block != 0 : neurons[i] != neurons[i - 1] + 1) return false;
  }
  return true;
}

}  // namespace fissile::unravel
