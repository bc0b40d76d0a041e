// Observers: how counting, detecting and recording look on while experts run.
#pragma once

#include <fissile/base/view.hpp>
#include <fissile/route/route.hpp>

#include <concepts>
#include <tuple>

namespace fissile {

/// route_observer: is told the route of every token, ascending, on the caller's thread after the work is done.
// clang-format off
template <class O>
concept route_observer = requires(O& observer, const route& chosen) {
  { observer.token(chosen) } noexcept;
};
// clang-format on

/// hidden_observer: is told what every chosen expert's neurons did: `expert(token, choice, hidden)`.
/// token: index in the batch. hidden: the activations of the expert's neurons, ascending, before the route's weight.
/// Tokens ascend, and experts within a token.
// clang-format off
template <class O>
concept hidden_observer = requires(O& observer, index_t token, choice chosen, vector_view<const float> hidden) {
  { observer.expert(token, chosen, hidden) } noexcept;
};
// clang-format on

/// observer: one or both of the above.
/// Law: observing changes no output; it neither throws nor allocates where zero allocations are promised.
/// Satisfied by the counters and detectors of the library, and `observers` of several.
template <class O>
concept observer = route_observer<O> || hidden_observer<O>;

/// Sees nothing and costs nothing.
struct no_observer {
  void token(const route&) noexcept {}
};

/// Several observers as one, told in this order: `auto uses = counts.at("en", 0); observers both{uses, magnitudes};`.
/// Borrowed: they outlive it.
template <class... Each>
class observers {
  static_assert(
      (observer<Each> && ...),
      "fissile::observers joins observers: types with `void token(const route&) noexcept` or "
      "`void expert(index_t, choice, vector_view<const float>) noexcept`, or both (docs/concepts/observer.md)");

public:
  explicit observers(Each&... each) noexcept : each_(&each...) {}

  void token(const route& chosen) noexcept {
    const auto tell = [&](auto& one) {
      if constexpr (route_observer<decltype(one)>) one.token(chosen);
    };
    std::apply([&](auto*... each) { (tell(*each), ...); }, each_);
  }
  void expert(index_t token, choice chosen, vector_view<const float> hidden) noexcept
      requires(hidden_observer<Each> || ...) {
    const auto tell = [&](auto& one) {
      if constexpr (hidden_observer<decltype(one)>) one.expert(token, chosen, hidden);
    };
    std::apply([&](auto*... each) { (tell(*each), ...); }, each_);
  }

private:
  std::tuple<Each*...> each_;
};

}  // namespace fissile
