// Which neurons of a layer learn: steps that change their numbers and keep the bits of all others.
//
// A neuron's numbers are its row of gate and of up, its place in their biases, and its column of down. The bias of down
// is no neuron's: it never learns.
#pragma once

#include <fissile/train/adam.hpp>
#include <fissile/train/gradients.hpp>

#include <concepts>
#include <string>
#include <utility>
#include <vector>

namespace fissile {

/// Plain data: the neurons of one layer, and those that are chosen.
///
/// Two ways to keep the others as they are. `masked_adam`, below, never shows them to Adam. An optimiser of somebody
/// else's is given gradients without them (`silence_others`), and what it did to them all the same, by weight decay or
/// by what it remembers, is undone (`restore_others`).
class neuron_mask {
public:
  /// Throws setting_error unless each of `chosen` is a neuron, named once; in any order.
  neuron_mask(index_t neurons, const std::vector<index_t>& chosen) : chosen_(to_size(neurons), 0) {
    for (const index_t neuron : chosen) {
      if (neuron >= 0 && neuron < neurons && chosen_[to_size(neuron)] == 0) {
        chosen_[to_size(neuron)] = 1;
        continue;
      }
      fail<setting_error>({.argument = "neuron_mask: chosen",
                           .expected = "neurons from 0 to " + std::to_string(neurons - 1) + ", each at most once",
                           .got = std::to_string(neuron)});
    }
  }

  index_t neurons() const noexcept { return length(chosen_); }
  bool chosen(index_t neuron) const noexcept {
    Expects(neuron >= 0 && neuron < neurons());
    return chosen_[to_size(neuron)] != 0;
  }
  index_t count() const noexcept {
    index_t sum = 0;
    for (const char one : chosen_) sum += one;
    return sum;
  }

  /// Whether the parts that are there belong to a layer of as many neurons.
  template <class Parts>
  bool fits(const Parts& parts) const noexcept {
    const auto as_many = [this](index_t given) { return given == 0 || given == neurons(); };
    return as_many(parts.gate.rows()) && as_many(parts.up.rows()) && as_many(parts.down.columns()) &&
           as_many(parts.gate_bias.length()) && as_many(parts.up_bias.length());
  }

  /// Every gradient of the layer that belongs to no chosen neuron becomes 0. Those of router and tokens stay.
  template <std::floating_point A>
  void silence_others(const ffn_gradients<A>& gradients) const noexcept {
    visit_others(gradients, gradients, [](A& gradient, A) { gradient = A(0); });
  }

  /// What belongs to no chosen neuron becomes, to the bit, what it is in `before`, which is ffn_weights<A> or
  /// ffn_gradients<A>. Both of the same shape.
  template <class Before, std::floating_point A>
  void restore_others(const Before& before, const ffn_gradients<A>& after) const noexcept {
    visit_others(after, before, [](A& number, A earlier) { number = earlier; });
  }

  /// How many numbers of a layer of these parts belong to chosen neurons.
  template <std::floating_point A>
  index_t parameters(const ffn_gradients<A>& parts) const noexcept {
    return count() * (parts.gate.columns() + parts.up.columns() + parts.down.rows() +
                      (parts.gate_bias.empty() ? 0 : 1) + (parts.up_bias.empty() ? 0 : 1));
  }

  /// visit(number of a, number of b) of each chosen neuron, neuron by neuron in ascending order. Both of the same
  /// shape.
  template <std::floating_point A, class Visit>
  void visit_chosen(const ffn_gradients<A>& a, const ffn_gradients<A>& b, const Visit& visit) const {
    Expects(fits(a) && alike(a, b));
    for (index_t neuron = 0; neuron < neurons(); ++neuron) {
      if (chosen(neuron)) visit_neuron(neuron, a, b, visit);
    }
  }

  friend bool operator==(const neuron_mask&, const neuron_mask&) = default;

private:
  /// But for the bias of down, which is no neuron's.
  template <class Parts, class Others>
  static bool alike(const Parts& a, const Others& b) noexcept {
    const auto same = [](const auto& one, const auto& other) {
      return one.rows() == other.rows() && one.columns() == other.columns();
    };
    return same(a.gate, b.gate) && same(a.up, b.up) && same(a.down, b.down) &&
           a.gate_bias.length() == b.gate_bias.length() && a.up_bias.length() == b.up_bias.length();
  }
  template <std::floating_point A, class Others, class Visit>
  void visit_others(const ffn_gradients<A>& a, const Others& b, const Visit& visit) const {
    Expects(fits(a) && alike(a, b) && a.down_bias.length() == b.down_bias.length());
    for (index_t neuron = 0; neuron < neurons(); ++neuron) {
      if (!chosen(neuron)) visit_neuron(neuron, a, b, visit);
    }
    for (index_t i = 0; i < a.down_bias.length(); ++i) visit(a.down_bias[i], b.down_bias[i]);
  }
  template <std::floating_point A, class Others, class Visit>
  static void visit_neuron(index_t neuron, const ffn_gradients<A>& a, const Others& b, const Visit& visit) {
    for (const auto& [one, other] : {std::pair{a.gate, b.gate}, std::pair{a.up, b.up}}) {
      for (index_t i = 0; i < one.columns(); ++i) visit(one(neuron, i), other(neuron, i));
    }
    for (const auto& [one, other] : {std::pair{a.gate_bias, b.gate_bias}, std::pair{a.up_bias, b.up_bias}}) {
      if (!one.empty()) visit(one[neuron], other[neuron]);
    }
    for (index_t i = 0; i < a.down.rows(); ++i) visit(a.down(i, neuron), b.down(i, neuron));
  }

  std::vector<char> chosen_;  // [neurons]
};

/// Adam for the chosen neurons of a layer: they become, to the bit, what a step on the whole layer makes of them; every
/// other number keeps its bits, whatever its gradient, with weight decay too. It remembers chosen neurons alone.
///
///   masked_adam<float> learn{mask, parts};
///   learn.step(adam{.rate = 1e-2}, parts, gradients);
template <std::floating_point A>
struct masked_adam {
  neuron_mask mask;
  adam_state<A> state;                   // of the chosen neurons' numbers, in the order of visit_chosen
  std::vector<A> parameters, gradients;  // scratch

  /// parts: of the layer; only its shape counts. Throws shape_error where it has another number of neurons.
  masked_adam(neuron_mask which, const ffn_gradients<A>& parts)
      : mask(std::move(which)),
        state(mask.parameters(parts)),
        parameters(state.mean.size()),
        gradients(state.mean.size()) {
    if (mask.fits(parts)) return;
    fail<shape_error>({.argument = "masked_adam: parts",
                       .expected = "a layer of " + std::to_string(mask.neurons()) + " neurons",
                       .got = "gate " + shape_of(parts.gate) + ", up " + shape_of(parts.up) + ", down " +
                              shape_of(parts.down) + ", biases of " + std::to_string(parts.gate_bias.length()) +
                              " and " + std::to_string(parts.up_bias.length())});
  }

  /// In place, and nothing is allocated. of_parts: the same shape as parts.
  void step(const adam& rule, const ffn_gradients<A>& parts, const ffn_gradients<A>& of_parts) noexcept {
    Expects(length(parameters) == mask.parameters(parts) && length(parameters) == mask.parameters(of_parts));
    std::size_t at = 0;
    mask.visit_chosen(parts, of_parts, [&](A number, A gradient) {
      parameters[at] = number;
      gradients[at++] = gradient;
    });
    rule.step<A>(parameters, gradients, state);
    at = 0;
    mask.visit_chosen(parts, parts, [&](A& number, A) { number = parameters[at++]; });
  }
};

}  // namespace fissile
