// Features that are large for one text and small for another.
#pragma once

#include <fissile/detect/outlier_rules.hpp>

namespace fissile {

/// O_l(a, b) = |top_k(a) and bottom_k(b)| / k with k = floor(fraction * width + 1/2), for each layer; 0 where k is 0.
/// From 0, no feature, to 1, all; after Kim et al. 2024, whose code gives per cent and takes 0.4 as the fraction.
/// Among equals the lower features are on top. Throws shape_error where a and b differ in layers or width.
inline std::vector<double> feature_overlap(const feature_magnitudes& a, const feature_magnitudes& b,
                                           double fraction = 0.4) {
  check_share(fraction, "feature_overlap: fraction");
  if (a.layers() != b.layers() || a.width() != b.width()) {
    fail<shape_error>({.argument = "feature_overlap",
                       .expected = std::to_string(a.layers()) + " layers of width " + std::to_string(a.width()),
                       .got = std::to_string(b.layers()) + " layers of width " + std::to_string(b.width())});
  }
  const auto count = static_cast<index_t>(std::floor(fraction * static_cast<double>(a.width()) + 0.5));
  std::vector<double> overlaps;
  for (index_t layer = 0; layer < a.layers(); ++layer) {
    const std::vector<index_t> by_a = largest_first(a, layer);
    const std::vector<index_t> by_b = largest_first(b, layer);
    std::vector<char> on_top(to_size(a.width()), 0);
    for (index_t i = 0; i < count; ++i) on_top[to_size(by_a[to_size(i)])] = 1;
    index_t both = 0;
    for (index_t i = 0; i < count; ++i) both += on_top[to_size(by_b[to_size(a.width() - 1 - i)])];
    overlaps.push_back(count == 0 ? 0.0 : static_cast<double>(both) / static_cast<double>(count));
  }
  return overlaps;
}

}  // namespace fissile
