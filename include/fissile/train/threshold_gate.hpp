// The threshold gate of DSMoE (Lv et al. 2025, eq. 7 and 8): a router's value passes where it is above a threshold.
//
//   G(v)     = v if v > threshold, else 0                     strict; what passes is the value, not 1
//   weight_i = factor * G(value_i)
//   factor   = experts / #{i : value_i > threshold}           or 1, see `rescaling`
#pragma once

#include <fissile/route/above.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/train/surrogates.hpp>

namespace fissile {

/// Whether weights are multiplied by experts / active experts. The paper does not say whether that holds in training
/// too; by default it does, as in inference. The factor counts as a constant in backward: a count has no slope.
enum class rescaling { by_active, none };

/// What becomes of a token for which no value is above the threshold; the paper is silent.
enum class nothing_active {
  zero,      // no expert works: the layer gives its bias only (the default, and what `above` does)
  strongest  // the expert with the highest value works alone, as with `at_least_one`; the lower index wins a tie
};

/// One object for both floors: training opens gates with `open`, and as a `selector` it routes in inference,
///   router{linear_scorer{rows}, sigmoid{}, threshold_gate{.threshold = 0.5f}}.
/// It is rescaled{scaled{above{threshold}}}, and rescaled{scaled{at_least_one{above{threshold}}}} for `strongest`.
struct threshold_gate {
  float threshold = 0.5f;
  rescaling rescale = rescaling::by_active;
  nothing_active if_none = nothing_active::zero;

  /// G.
  template <std::floating_point A>
  A pass(A value) const noexcept {
    return value > A(threshold) ? value : A(0);
  }

  /// Writes the weights of one token and returns `factor` (1 where nothing is active). A value that is NaN is not
  /// above the threshold. values, weights: [experts].
  template <std::floating_point A>
  A open(vector_view<A> values, vector_view<A> weights) const noexcept {
    index_t active = 0;
    index_t strongest = -1;
    for (index_t expert = 0; expert < values.length(); ++expert) {
      const A value = values[expert];
      weights[expert] = pass(value);
      active += value > A(threshold) ? 1 : 0;
      if (value == value && (strongest < 0 || value > values[strongest])) strongest = expert;
    }
    if (active == 0 && strongest >= 0 && if_none == nothing_active::strongest) {
      weights[strongest] = values[strongest];
      active = 1;
    }
    if (active == 0 || rescale == rescaling::none) return A(1);
    const A factor = static_cast<A>(values.length()) / static_cast<A>(active);
    for (A& weight : weights) weight *= factor;
    return factor;
  }

  /// The same rule as a selector, made of the decorators themselves.
  void select(selection scores, route& chosen) const noexcept {
    const auto weigh = [&](const auto& inner) noexcept {
      rescale == rescaling::none ? inner.select(scores, chosen) : rescaled{inner}.select(scores, chosen);
    };
    const above active{.threshold = threshold};
    if_none == nothing_active::zero ? weigh(scaled{active}) : weigh(scaled{at_least_one{active}});
  }
};

}  // namespace fissile
