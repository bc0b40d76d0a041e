// What decides which experts a token goes to.
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/route/route.hpp>

#include <concepts>

namespace fissile {

/// The squashed scores of one token, as a selector sees them. [experts] each
struct selection {
  vector_view<const float> values;  // decide weights; never changed
  vector_view<float> keys;          // decide who is chosen: a copy of the values that decorators may change
};

/// selector: fills the route of one token.
/// Law: experts are compared by their keys, ties go to the lower expert, an expert whose key is NaN is never chosen;
/// the route it leaves ascends; it neither allocates nor throws.
/// Satisfied by above, top_k, top_p, dynamic_k, and the decorators around any selector.
/// It may have `void check(index_t experts) const` that refuses settings by an exception: a router asks when it is
/// made.
// clang-format off
template <class S>
concept selector = requires(const S& policy, selection scores, route& chosen) {
  { policy.select(scores, chosen) } noexcept -> std::same_as<void>;
};
// clang-format on

/// Refuses a selector whose settings cannot serve so many experts, where it can tell.
template <selector Selector>
void check_settings(const Selector& select, index_t experts) {
  if constexpr (requires { select.check(experts); }) select.check(experts);
}

/// a is chosen before b: the higher key, then the lower expert. Only for keys that are numbers.
inline bool preferred(choice a, choice b) noexcept {
  return a.weight > b.weight || (a.weight == b.weight && a.expert < b.expert);
}

}  // namespace fissile
