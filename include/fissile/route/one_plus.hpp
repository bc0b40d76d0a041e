// A decorator: weights that start at 1 and learn to listen to the scores (CMoE, Pei et al. 2025, arXiv 2502.04416).
#pragma once

#include <fissile/base/multiply_add.hpp>
#include <fissile/route/selector.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace fissile {

/// Weights are multiplied by 1 + value * scale_e: while all scales are 0, where training starts, nothing changes. An
/// expert whose score is no finite number, as that of one which works without having been chosen, keeps its weight.
template <class Inner>
struct one_plus {
  static_assert(selector<Inner>,
                "fissile::one_plus wraps a selector: a type with `void select(selection, route&) const noexcept` "
                "(docs/concepts/selector.md)");
  Inner inner;
  std::vector<float> scale;  // [experts]

  void check(index_t experts) const {
    if (length(scale) != experts) {
      fail<shape_error>({.argument = "one_plus: scale",
                         .expected = std::to_string(experts) + " numbers, one an expert",
                         .got = std::to_string(scale.size())});
    }
    check_settings(inner, experts);
  }
  void select(selection scores, route& chosen) const noexcept {
    Expects(length(scale) == scores.values.length());
    inner.select(scores, chosen);
    for (choice& c : chosen) {
      const float value = scores.values[c.expert];
      if (std::isfinite(value)) c.weight *= multiply_add(value, scale[to_size(c.expert)], 1.0f);
    }
  }
};
template <class Inner>
one_plus(Inner, std::vector<float>) -> one_plus<Inner>;  // clang 14 has no aggregate deduction

}  // namespace fissile
