// The penalty on active experts, which makes them few: DSMoE's only regulariser (Lv et al. 2025, eq. 19).
//
//   penalty = weight / (layers * experts) * reduce over tokens of sum over experts of G(value)
#pragma once

#include <fissile/train/tape.hpp>

namespace fissile {

/// How the tokens of a batch are brought together. The paper does not write it out.
enum class token_reduction {
  mean,  // the default: the penalty lies between 0 and its weight whatever the batch
  sum    // as the paper's language modelling loss, which is a sum over tokens
};

/// One layer's share of the penalty. The paper has no factor before it (weight 1) and no target for how many experts
/// should work. With several layers, each adds its own share: give every one the number of layers.
struct activity_penalty {
  double weight = 1;
  index_t layers = 1;
  token_reduction tokens = token_reduction::mean;

  template <std::floating_point A>
  double value(const tape<A>& remembered) const noexcept {
    const matrix_view<const A> values = remembered.values();
    double sum = 0;
    for (index_t token = 0; token < values.rows(); ++token) {
      for (const A value : values.row(token)) sum += static_cast<double>(remembered.rule().pass(value));
    }
    return scale(values) * sum;
  }

  /// Adds d penalty / d value = scale * slope to what backward will read; call it between forward and backward.
  /// The paper does not say whether G here is differentiated as G or through the surrogate: by default as it is
  /// written, `hard`, so that only active experts are pushed down; pass `straight_through{}` to push all.
  template <std::floating_point A, class Surrogate = hard>
  void add_gradient(tape<A>& remembered, const Surrogate& slopes = {}) const noexcept {
    static_assert(surrogate<Surrogate, A>,
                  "fissile::activity_penalty, surrogate: `A slope(A value, activity) const noexcept` "
                  "(docs/concepts/surrogate.md)");
    const matrix_view<const A> values = remembered.values();
    const A each = static_cast<A>(scale(values));
    for (index_t token = 0; token < values.rows(); ++token) {
      for (index_t expert = 0; expert < values.columns(); ++expert) {
        const A value = values(token, expert);
        const activity state = value > A(remembered.rule().threshold) ? activity::active : activity::inactive;
        remembered.value_gradients()(token, expert) += each * slopes.slope(value, state);
      }
    }
  }

private:
  template <class A>
  double scale(matrix_view<A> values) const noexcept {
    if (values.rows() == 0) return 0;
    const index_t shares = layers * values.columns() * (tokens == token_reduction::mean ? values.rows() : 1);
    return weight / static_cast<double>(shares);
  }
};

}  // namespace fissile
