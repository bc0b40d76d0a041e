// Writes and reads the weights of one panel.
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/pack/panel_layout.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace fissile {

/// A stored number as another stored number: the same bits where the types agree, else rounded to nearest.
template <packed_element To, element From>
To converted(From value) noexcept {
  if constexpr (std::same_as<To, From>) {
    return value;
  } else if constexpr (std::same_as<To, bf16>) {
    return to_bf16(widen<float>(value));
  } else if constexpr (std::same_as<To, f16>) {
    return to_f16(widen<float>(value));
  } else {
    return widen<float>(value);
  }
}

/// Fills one panel. weight_at(term, column) gives the weight for each of `columns` columns; the others become zero.
template <packed_element T, class WeightAt>
void write_panel(const panel_matrix<T>& shape, index_t columns, const WeightAt& weight_at, std::byte* panel) {
  const auto put = [&](index_t term, index_t column, T value) {
    std::memcpy(panel + shape.offset(term, column), &value, sizeof value);
  };
  std::memset(panel, 0, to_size(shape.panel_bytes()));
  if constexpr (std::same_as<T, int8>) {
    // Symmetric: scale = largest magnitude / 127, weight = round(w / scale), ties to even. Weights that are infinite or
    // no number have no such scale: it is NaN for all that share it, which their sums then show.
    const index_t together = shape.scale_terms == 0 ? shape.terms : shape.scale_terms;
    auto* scales = reinterpret_cast<float*>(panel);  // the panel begins with them
    for (index_t first = 0; first < shape.terms; first += together) {
      const index_t last = std::min(shape.terms, first + together);
      for (index_t column = 0; column < columns; ++column) {
        float most = 0;
        for (index_t term = first; term < last; ++term) {
          const float size = std::abs(widen<float>(weight_at(term, column)));
          most = size <= std::numeric_limits<float>::max() ? std::max(most, size)
                                                           : std::numeric_limits<float>::quiet_NaN();
        }
        const float scale = most / 127.0f;
        scales[shape.scale_row(first) * kernel::panel_columns + column] = scale;
        if (!(scale > 0)) continue;
        for (index_t term = first; term < last; ++term) {
          const float steps = std::nearbyint(widen<float>(weight_at(term, column)) / scale);
          put(term, column, int8{static_cast<std::int8_t>(std::clamp(steps, -127.0f, 127.0f))});
        }
      }
    }
  } else {
    for (index_t term = 0; term < shape.terms; ++term) {
      for (index_t column = 0; column < columns; ++column) put(term, column, converted<T>(weight_at(term, column)));
    }
  }
}

/// What unpacking gives: the stored type, and float for numbers that mean something only with their scale.
template <packed_element T>
using unpacked_element = std::conditional_t<std::same_as<T, int8>, float, T>;

/// One weight of a panel.
template <packed_element T>
unpacked_element<T> read_weight(const panel_matrix<T>& shape, const std::byte* panel, index_t term, index_t column) {
  T value;
  std::memcpy(&value, panel + shape.offset(term, column), sizeof value);
  if constexpr (std::same_as<T, int8>) {
    float scale;
    std::memcpy(&scale, panel + (shape.scale_row(term) * kernel::panel_columns + column) * index_t{sizeof scale},
                sizeof scale);
    return static_cast<float>(value.bits) * scale;
  } else {
    return value;
  }
}

}  // namespace fissile
