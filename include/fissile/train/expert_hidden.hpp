// The elementwise middle of the experts, forward and backward side by side; expert_products.hpp has what is around it.
// own.
//
//   activated_j = activation(inner_j)          inner: sums of gate; of up, where there is no gate
//   hidden_j    = activated_j * outer_j        outer: sums of up beside a gate; 1, where there is no gate
//   weighted_j  = weight_e(j) * hidden_j       e(j): the expert of neuron j
//   y           = down_bias + sum over j of weighted_j * down_j
//
// Backward, with products_j = dL/dy . down_j. No expert's output is ever written out: one number a neuron serves
// the router and the experts.
//
//   dL/dweight_e = dL/dy . output_e = sum over j in e of hidden_j * products_j
//   dL/dhidden_j = weight_e(j) * products_j
//   dL/dinner_j  = dL/dhidden_j * outer_j * activation'(inner_j)
//   dL/douter_j  = dL/dhidden_j * activated_j
#pragma once

#include <fissile/partition/partition.hpp>
#include <fissile/train/tape.hpp>

namespace fissile {

/// inner -> activated.
template <std::floating_point A, class Activation>
void activate_inner(const Activation& activate, tape<A>& remembered) noexcept {
  const matrix_view<const A> inner = remembered.inner();
  const matrix_view<A> activated = remembered.activated();
  for (index_t token = 0; token < inner.rows(); ++token) {
    for (index_t j = 0; j < inner.columns(); ++j) activated(token, j) = activate(inner(token, j));
  }
}

/// activated, outer, weights -> weighted; exactly 0 for the neurons of inactive experts, whatever their hidden is.
template <std::floating_point A>
void weigh_hidden(const partition& experts, tape<A>& remembered) noexcept {
  const bool gated = !remembered.outer().empty();
  for (index_t token = 0; token < remembered.weights().rows(); ++token) {
    const A* activated = remembered.activated().row(token).data();
    const A* outer = gated ? remembered.outer().row(token).data() : nullptr;
    A* weighted = remembered.weighted().row(token).data();
    for (index_t expert = 0; expert < experts.experts(); ++expert) {
      const A weight = remembered.weights()(token, expert);
      for (const index_t j : experts.expert(expert)) {
        weighted[j] = weight == A(0) ? A(0) : weight * (gated ? activated[j] * outer[j] : activated[j]);
      }
    }
  }
}

/// activated, outer, products -> dL/dweight, of inactive experts too.
template <std::floating_point A>
void weigh_hidden_backward(const partition& experts, tape<A>& remembered) noexcept {
  const bool gated = !remembered.outer().empty();
  for (index_t token = 0; token < remembered.weights().rows(); ++token) {
    const A* activated = remembered.activated().row(token).data();
    const A* outer = gated ? remembered.outer().row(token).data() : nullptr;
    const A* products = remembered.products().row(token).data();
    for (index_t expert = 0; expert < experts.experts(); ++expert) {
      A sum = 0;
      for (const index_t j : experts.expert(expert)) {
        sum += (gated ? activated[j] * outer[j] : activated[j]) * products[j];
      }
      remembered.scores()(token, expert) = sum;
    }
  }
}

/// inner, activated, outer, weights, products -> dL/dinner (over weighted) and, beside a gate, dL/douter (over
/// products); exactly 0 for the neurons of inactive experts.
template <std::floating_point A, class Activation>
void activate_inner_backward(const Activation& activate, const partition& experts, tape<A>& remembered) noexcept {
  const bool gated = !remembered.outer().empty();
  for (index_t token = 0; token < remembered.weights().rows(); ++token) {
    const A* inner = remembered.inner().row(token).data();
    const A* activated = remembered.activated().row(token).data();
    const A* outer = gated ? remembered.outer().row(token).data() : nullptr;
    A* products = remembered.products().row(token).data();
    A* inner_gradient = remembered.weighted().row(token).data();
    for (index_t expert = 0; expert < experts.experts(); ++expert) {
      const A weight = remembered.weights()(token, expert);
      for (const index_t j : experts.expert(expert)) {
        if (weight == A(0)) {
          inner_gradient[j] = products[j] = A(0);
          continue;
        }
        const A hidden_gradient = weight * products[j];
        inner_gradient[j] = hidden_gradient * (gated ? outer[j] : A(1)) * activate.derivative(inner[j]);
        if (gated) products[j] = hidden_gradient * activated[j];
      }
    }
  }
}

}  // namespace fissile
