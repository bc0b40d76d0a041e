// Activations: the nonlinear functions of feed-forward layers, with their derivatives.
//
// Each is a template on the number it computes in, float for inference and double for references.
#pragma once

#include <cmath>
#include <concepts>

namespace fissile {

/// activation: a function of one number, applied to the gate (or to up, where there is none).
/// Law: pure; the result's bits depend on the argument alone.
/// Satisfied by silu, gelu, gelu_tanh, relu, relu2.
// clang-format off
template <class A>
concept activation = requires(const A& function, float z) {
  { function(z) } noexcept -> std::same_as<float>;
};
// clang-format on

/// differentiable_activation: an activation with its derivative.
/// Law: `derivative(z)` is the derivative at z, and a one-sided one where there is a kink.
/// Satisfied by all activations here; relu has derivative 0 at 0.
// clang-format off
template <class A>
concept differentiable_activation = activation<A> && requires(const A& function, float z) {
  { function.derivative(z) } noexcept -> std::same_as<float>;
};
// clang-format on

/// z * sigmoid(z), also called swish; LLaMA, Mistral, Qwen.
struct silu {
  template <std::floating_point A>
  A operator()(A z) const noexcept {
    return z / (A(1) + std::exp(-z));
  }
  template <std::floating_point A>
  A derivative(A z) const noexcept {
    const A sigma = A(1) / (A(1) + std::exp(-z));
    return sigma * (A(1) + z * (A(1) - sigma));
  }
};

/// z * P(normal <= z), exact, by the error function.
struct gelu {
  template <std::floating_point A>
  A operator()(A z) const noexcept {
    return A(0.5) * z * (A(1) + std::erf(z * A(0.70710678118654752440)));
  }
  template <std::floating_point A>
  A derivative(A z) const noexcept {
    const A below = A(0.5) * (A(1) + std::erf(z * A(0.70710678118654752440)));
    return below + z * A(0.39894228040143267794) * std::exp(A(-0.5) * z * z);
  }
};

/// The usual approximation of gelu by tanh; GPT-2, Gemma.
struct gelu_tanh {
  template <std::floating_point A>
  A operator()(A z) const noexcept {
    return A(0.5) * z * (A(1) + std::tanh(inner(z)));
  }
  template <std::floating_point A>
  A derivative(A z) const noexcept {
    const A t = std::tanh(inner(z));
    const A slope = A(0.79788456080286535588) * (A(1) + A(3 * 0.044715) * z * z);
    return A(0.5) * (A(1) + t) + A(0.5) * z * (A(1) - t * t) * slope;
  }

private:
  template <std::floating_point A>
  static A inner(A z) noexcept {
    return A(0.79788456080286535588) * (z + A(0.044715) * z * z * z);
  }
};

/// max(z, 0).
struct relu {
  template <std::floating_point A>
  A operator()(A z) const noexcept {
    return z < A(0) ? A(0) : z;  // a NaN stays one
  }
  template <std::floating_point A>
  A derivative(A z) const noexcept {
    return z > A(0) ? A(1) : A(0);
  }
};

/// max(z, 0)^2.
struct relu2 {
  template <std::floating_point A>
  A operator()(A z) const noexcept {
    return z < A(0) ? A(0) : z * z;
  }
  template <std::floating_point A>
  A derivative(A z) const noexcept {
    return z > A(0) ? A(2) * z : A(0);
  }
  /// How fast the function may grow: |f(z)| <= bound(|z|). Left out where that is |z|.
  template <std::floating_point A>
  A bound(A magnitude) const noexcept {
    return magnitude * magnitude;
  }
};

/// f(z) in the number that z is in; an activation that knows float only computes in float.
template <activation Activation, std::floating_point A>
A activated(const Activation& function, A z) noexcept {
  if constexpr (requires {
                  { function(z) } -> std::same_as<A>;
                }) {
    return function(z);
  } else {
    return static_cast<A>(function(static_cast<float>(z)));
  }
}

/// A bound of |f(z)| for all |z| <= magnitude, used as a scale without cancellation.
template <activation Activation, std::floating_point A>
A bound_of(const Activation& function, A magnitude) noexcept {
  if constexpr (requires { function.bound(magnitude); }) {
    return function.bound(magnitude);
  } else {
    return magnitude;
  }
}

}  // namespace fissile
