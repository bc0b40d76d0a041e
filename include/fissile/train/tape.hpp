// The tape: what forward remembers of one layer until backward has used it. Sized once.
//
// It is no observer of a sparse run: the straight-through rule asks how inactive experts would have done, so training
// computes all of them, densely, and the tape holds every neuron.
#pragma once

#include <fissile/train/scratch.hpp>
#include <fissile/train/threshold_gate.hpp>

#include <vector>

namespace fissile {

/// One for each layer of a network, and for each thread. The scratch is borrowed and may be shared by the layers.
/// Memory: batch * (3 * neurons + 3 * experts + 1) numbers; 2 * neurons without a gate.
template <std::floating_point A>
class tape {
public:
  /// Throws shape_error where the layer is larger than what the scratch was made for.
  template <class Layer>
  tape(const Layer& layer, training_scratch<A>& scratch)
      : neurons_(layer.neurons()), experts_(layer.experts()), scratch_(&scratch) {
    scratch.check_fits(layer);
    const index_t hidden = scratch.batch() * neurons_;
    const index_t routed = scratch.batch() * experts_;
    inner_.resize(to_size(hidden));
    activated_.resize(to_size(hidden));
    outer_.resize(layer.ffn().gated() ? to_size(hidden) : 0);
    values_.resize(to_size(routed));
    weights_.resize(to_size(routed));
    value_gradients_.resize(to_size(routed));
    factors_.resize(to_size(scratch.batch()));
  }

  /// The router's values, sigmoids. [tokens x experts]
  matrix_view<const A> values() const noexcept { return {values_.data(), batch(), experts_}; }
  /// What each expert's output was multiplied by; 0: inactive. [tokens x experts]
  matrix_view<const A> weights() const noexcept { return {weights_.data(), batch(), experts_}; }
  /// The rule that made the weights.
  const threshold_gate& rule() const noexcept { return rule_; }
  /// Values that are NaN: their experts are inactive, and backward makes their rows of the router NaN, not silent.
  index_t undefined_values() const noexcept {
    index_t undefined = 0;
    for (index_t token = 0; token < batch(); ++token) {
      for (const A value : values().row(token)) undefined += value != value ? 1 : 0;
    }
    return undefined;
  }

  /// dL/dvalue of whatever else the loss asks of the router; zero after forward. Penalties add to it, backward reads
  /// it. [tokens x experts]
  matrix_view<A> value_gradients() noexcept { return {value_gradients_.data(), batch(), experts_}; }

  // What follows is for the library's own floors.

  matrix_view<const A> tokens() const noexcept { return tokens_; }
  /// Sums before the activation: of the gate, or of up where there is no gate. [tokens x neurons]
  matrix_view<A> inner() noexcept { return {inner_.data(), batch(), neurons_}; }
  /// activation(inner). [tokens x neurons]
  matrix_view<A> activated() noexcept { return {activated_.data(), batch(), neurons_}; }
  /// Sums of up beside a gate; empty without. [tokens x neurons]
  matrix_view<A> outer() noexcept {
    return outer_.empty() ? matrix_view<A>{} : matrix_view<A>{outer_.data(), batch(), neurons_};
  }
  template <class Layer>
  bool made_for(const Layer& layer) const noexcept {
    return layer.neurons() == neurons_ && layer.experts() == experts_ && layer.ffn().gated() == !outer_.empty() &&
           scratch_->widens(layer);
  }
  training_scratch<A>& scratch() noexcept { return *scratch_; }
  /// weight * hidden; then, in backward, dL/dinner. Scratch. [tokens x neurons]
  matrix_view<A> weighted() noexcept { return scratch_->weighted(batch(), neurons_); }
  /// dL/dy . down; then, beside a gate, dL/douter. Scratch. [tokens x neurons]
  matrix_view<A> products() noexcept { return scratch_->products(batch(), neurons_); }
  /// Raw scores; then, in backward, dL/dweight and dL/dscore. Scratch. [tokens x experts]
  matrix_view<A> scores() noexcept { return scratch_->scores(batch(), experts_); }
  matrix_view<A> values() noexcept { return {values_.data(), batch(), experts_}; }
  matrix_view<A> weights() noexcept { return {weights_.data(), batch(), experts_}; }
  /// By what the rule multiplied the weights of each token. [tokens]
  vector_view<A> factors() noexcept { return {factors_.data(), batch()}; }
  /// Forgets the batch before. The tokens are borrowed.
  void start(matrix_view<const A> tokens, const threshold_gate& rule) noexcept {
    Expects(tokens.rows() <= scratch_->batch());
    tokens_ = tokens;
    rule_ = rule;
    for (A& gradient : value_gradients_) gradient = A(0);
  }

private:
  index_t batch() const noexcept { return tokens_.rows(); }

  index_t neurons_, experts_;
  training_scratch<A>* scratch_;
  threshold_gate rule_ = {};
  matrix_view<const A> tokens_ = {};
  std::vector<A> inner_, activated_, outer_;           // [batch x neurons]
  std::vector<A> values_, weights_, value_gradients_;  // [batch x experts]
  std::vector<A> factors_;                             // [batch]
};

}  // namespace fissile
