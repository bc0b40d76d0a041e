// Surrogates: what stands in for the derivative of a gate that opens and closes at a threshold.
//
// The gate G(v) = v if v > threshold, else 0 tells an inactive expert nothing about how it would have done. Training
// may therefore put another slope in its place: S(v) = constant(G(v) - f(v)) + f(v) has the value of G and the
// slope of f. The surrogate is an argument of the backward call, so a router has one type in training and inference.
#pragma once

#include <concepts>

namespace fissile {

/// Whether an expert works for a token.
enum class activity { inactive, active };

/// surrogate: the slope dS/dv that training uses for a router's value v, a sigmoid and so between 0 and 1.
/// Law: pure; the forward pass does not depend on it.
/// Satisfied by straight_through, clipped, hard; templates on the number, so that checks run in double.
// clang-format off
template <class S, class Number = float>
concept surrogate = requires(const S& policy, Number value, activity state) {
  { policy.slope(value, state) } noexcept -> std::same_as<Number>;
};
// clang-format on

/// f(v) = v: slope 1 for every expert, active or not (DSMoE, Lv et al. 2025, eq. 10).
struct straight_through {
  template <std::floating_point A>
  A slope(A, activity) const noexcept {
    return A(1);
  }
};

/// f(v) = v held between `low` and `high`: values beyond them are left alone. Set both: from 0 to 1 holds no sigmoid.
struct clipped {
  double low = 0;
  double high = 1;

  template <std::floating_point A>
  A slope(A value, activity) const noexcept {
    return A(low) <= value && value <= A(high) ? A(1) : A(0);
  }
};

/// The true derivative of G where it has one: an inactive expert's row of the router learns nothing from it.
struct hard {
  template <std::floating_point A>
  A slope(A, activity state) const noexcept {
    return state == activity::active ? A(1) : A(0);
  }
};

}  // namespace fissile
