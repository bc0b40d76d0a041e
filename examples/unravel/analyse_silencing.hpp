// What it really costs to silence a neuron, beside what outputs and gradients say of it (fuxitranyu.hpp, (a) and (b)):
//
//   exact        sum over lines of | L(h_i = 0) - L |                    L: of one line, h_i 0 for all its tokens
//   first order  sum over lines of | sum over tokens t of h_ti dL/dh_ti |
//   by token     sum over lines and tokens of | h_ti dL/dh_ti |
//
// The first two agree where L is linear in h_i.
#pragma once

#include <engine/gradients.hpp>

#include <fissile/base/random.hpp>
#include <fissile/recipes/fuxitranyu.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace fissile::unravel {

struct silencing {
  engine::silenced_neuron neuron;
  double exact = 0, first_order = 0, by_token = 0;
};

/// `count` hidden neurons of all layers, each as likely, ascending; all where there are no more.
inline std::vector<silencing> draw_neurons(const engine::architecture& sizes, index_t count, std::uint64_t seed) {
  std::vector<index_t> places = ascending(sizes.layers * sizes.neurons);
  random_source random{seed};
  shuffle(places, random);
  places.resize(to_size(std::min(count, length(places))));
  std::sort(places.begin(), places.end());
  std::vector<silencing> drawn;
  for (const index_t place : places) drawn.push_back({.neuron = {place / sizes.neurons, place % sizes.neurons}});
  return drawn;
}

/// Listens to backward for the drawn neurons, besides another listener.
template <class Listener>
class silencing_listener {
public:
  silencing_listener(std::vector<silencing>& drawn, Listener& other) : drawn_(&drawn), other_(&other) {}

  void states(index_t layer, matrix_view<const float> residual) { other_->states(layer, residual); }
  void heard(index_t layer, engine::component which, matrix_view<const float> outputs,
             matrix_view<const float> gradients) {
    other_->heard(layer, which, outputs, gradients);
    if (which != engine::component::hidden) return;
    for (silencing& one : *drawn_) {
      if (one.neuron.layer != layer) continue;
      double sum = 0;
      for (index_t token = 0; token < outputs.rows(); ++token) {
        const double change = static_cast<double>(outputs(token, one.neuron.neuron)) *
                              static_cast<double>(gradients(token, one.neuron.neuron));
        sum += change;
        one.by_token += std::abs(change);
      }
      one.first_order += std::abs(sum);
    }
  }

private:
  std::vector<silencing>* drawn_;
  Listener* other_;
};

/// How well the two estimates stand for the exact costs.
struct estimates {
  fuxitranyu::taylor_agreement first_order, by_token;
};
inline estimates agreement_of(const std::vector<silencing>& drawn) {
  std::vector<double> exact, first_order, by_token;
  for (const silencing& one : drawn) {
    exact.push_back(one.exact);
    first_order.push_back(one.first_order);
    by_token.push_back(one.by_token);
  }
  return {fuxitranyu::agreement(first_order, exact), fuxitranyu::agreement(by_token, exact)};
}

}  // namespace fissile::unravel
