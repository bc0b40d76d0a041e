// A mask is carried out: weights become 0 where they lie. That saves no byte, and the report says so.
#pragma once

#include <fissile/prune/weight_mask.hpp>

namespace fissile {

/// Of one or more matrices; add the reports up with +=.
struct mask_report {
  std::uint64_t matrices = 0;
  std::uint64_t weights = 0;
  std::uint64_t removed = 0;  // weights that the masks set to 0
  std::uint64_t bytes = 0;    // before, and after

  mask_report& operator+=(const mask_report& other) noexcept {
    matrices += other.matrices;
    weights += other.weights;
    removed += other.removed;
    bytes += other.bytes;
    return *this;
  }
  friend bool operator==(const mask_report&, const mask_report&) = default;
};

inline std::string to_string(const mask_report& report) {
  const std::string bytes = std::to_string(report.bytes);
  std::string text = std::to_string(report.matrices) + (report.matrices == 1 ? " matrix\n" : " matrices\n");
  text += "weights set to 0  " + std::to_string(report.removed) + " of " + std::to_string(report.weights);
  if (report.weights > 0) {
    text +=
        "  (" + short_number(100.0 * static_cast<double>(report.removed) / static_cast<double>(report.weights)) + " %)";
  }
  text += "\nbytes             " + bytes + " -> " + bytes + "  (100 %): zeros are stored like any other number\n";
  return text;
}

/// Sets the weights that go to 0, in place. weights: [outputs x inputs]. Throws shape_error where the mask is of
/// another shape.
template <element T>
mask_report apply_mask(matrix_view<T> weights, const weight_mask& mask) {
  if (weights.rows() != mask.outputs || weights.columns() != mask.inputs ||
      length(mask.kept) != mask.outputs * mask.inputs) {
    fail<shape_error>({.argument = "apply_mask: weights",
                       .expected = shape_of(mask.outputs, mask.inputs) + ", as the mask",
                       .got = shape_of(weights)});
  }
  const T zero{};
  Expects(widen<double>(zero) == 0);
  for (index_t output = 0; output < mask.outputs; ++output) {
    for (index_t input = 0; input < mask.inputs; ++input) {
      if (!mask.keeps(output, input)) weights(output, input) = zero;
    }
  }
  const std::uint64_t count = mask.kept.size();
  return {.matrices = 1,
          .weights = count,
          .removed = static_cast<std::uint64_t>(mask.removed()),
          .bytes = count * sizeof(T)};
}

}  // namespace fissile
