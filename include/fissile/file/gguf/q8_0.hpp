// Q8_0, the simplest block quantisation of ggml: 32 signed bytes that share one f16 scale.
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/base/index.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace fissile {

/// number = scale * byte, exactly; `count` is a multiple of 32, `blocks` holds count / 32 * 34 bytes.
inline void widen_q8_0(const std::byte* blocks, float* numbers, index_t count) noexcept {
  for (index_t first = 0; first < count; first += 32, blocks += 34) {
    f16 scale;
    std::int8_t bytes[32];
    std::memcpy(&scale, blocks, sizeof scale);
    std::memcpy(bytes, blocks + sizeof scale, sizeof bytes);
    for (index_t i = 0; i < 32; ++i) numbers[first + i] = to_float(scale) * static_cast<float>(bytes[i]);
  }
}

}  // namespace fissile
