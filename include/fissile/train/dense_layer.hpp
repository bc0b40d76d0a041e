// A dense layer in training, forward and backward over a batch, with what each neuron gave and what the loss asks of it
// open to the caller: what scores of neurons are made of.
//
//   hidden = activation(gate . x) * (up . x)        activation(up . x), where there is no gate
//   y      = down_bias + hidden . down
//   dL/dhidden_j = dL/dy . down_j,  and on through the activation into gate, up and x
#pragma once

#include <fissile/train/gradients.hpp>
#include <fissile/train/linear_map.hpp>
#include <fissile/weights/activations.hpp>

#include <utility>
#include <vector>

namespace fissile {

/// What forward of a dense layer remembers until backward has used it. Sized once; the scratch is borrowed and may be
/// shared by the layers of a thread. Memory: batch * (4 * neurons + 1) numbers; 3 without a gate.
template <std::floating_point A>
class dense_tape {
public:
  /// Throws shape_error where the layer is larger than what the scratch was made for.
  template <class Layer>
  dense_tape(const Layer& layer, training_scratch<A>& scratch) : neurons_(layer.neurons()), scratch_(&scratch) {
    scratch.check_fits(layer);
    for (std::vector<A>* one : {&inner_, &hidden_, &gradients_}) one->resize(to_size(scratch.batch() * neurons_));
    if (layer.ffn().gated()) outer_.resize(inner_.size());
    branch_gates_.reserve(to_size(scratch.batch()));
  }

  /// What down was fed with. [tokens x neurons]
  matrix_view<const A> hidden() const noexcept { return {hidden_.data(), tokens_.rows(), neurons_}; }
  /// dL/dhidden, after backward. [tokens x neurons]
  matrix_view<const A> hidden_gradients() const noexcept { return {gradients_.data(), tokens_.rows(), neurons_}; }

  // What follows is for the library's own floors.

  template <class Layer>
  bool made_for(const Layer& layer) const noexcept {
    return layer.neurons() == neurons_ && layer.ffn().gated() == !outer_.empty() && scratch_->widens(layer);
  }
  /// Forgets the batch before. The tokens are borrowed.
  void start(matrix_view<const A> tokens) noexcept {
    Expects(tokens.rows() <= scratch_->batch());
    tokens_ = tokens;
    branch_gates_.clear();
  }
  matrix_view<const A> tokens() const noexcept { return tokens_; }
  training_scratch<A>& scratch() noexcept { return *scratch_; }
  /// Sums before the activation. [tokens x neurons]
  matrix_view<A> inner() noexcept { return {inner_.data(), tokens_.rows(), neurons_}; }
  /// Sums of up beside a gate; empty without.
  matrix_view<A> outer() noexcept {
    return outer_.empty() ? matrix_view<A>{} : matrix_view<A>{outer_.data(), tokens_.rows(), neurons_};
  }
  matrix_view<A> hidden() noexcept { return {hidden_.data(), tokens_.rows(), neurons_}; }
  matrix_view<A> hidden_gradients() noexcept { return {gradients_.data(), tokens_.rows(), neurons_}; }
  /// One a token, of a layer in two branches; none after forward of a plain one.
  vector_view<const A> branch_gates() const noexcept { return branch_gates_; }
  vector_view<A> start_branch_gates() noexcept {
    branch_gates_.resize(to_size(tokens_.rows()));
    return branch_gates_;
  }

private:
  index_t neurons_;
  training_scratch<A>* scratch_;
  matrix_view<const A> tokens_ = {};
  std::vector<A> inner_, outer_, hidden_, gradients_;  // [batch x neurons]
  std::vector<A> branch_gates_;                        // [tokens] or none; as many as the batch are reserved
};
template <class Layer, std::floating_point A>
dense_tape(const Layer&, training_scratch<A>&) -> dense_tape<A>;

/// T: what the weights are stored in; A: what is computed in. The weights are borrowed.
///
///   dense_layer<float, float, silu> layer{ffn, silu{}};
///   training_scratch scratch{layer, {.batch = 64}};
///   dense_tape remembered{layer, scratch};
///   layer.forward(tokens, remembered, out);
///   layer.backward(remembered, out_gradient, {.up = up_gradient});
template <element T, std::floating_point A, class Activation>
class dense_layer {
  static_assert(differentiable_activation<Activation>,
                "fissile::dense_layer, activation: `float operator()(float)` and `float derivative(float)`, both const "
                "noexcept (docs/concepts/activation.md)");

public:
  using element_type = T;
  using number_type = A;

  /// Throws shape_error where the weights do not fit each other.
  dense_layer(ffn_weights<T> ffn, Activation activate) : ffn_(ffn), activate_(std::move(activate)) {
    fissile::check_shapes(ffn_, "dense_layer");
  }

  index_t width() const noexcept { return ffn_.width(); }
  index_t neurons() const noexcept { return ffn_.neurons(); }
  index_t experts() const noexcept { return 1; }
  const ffn_weights<T>& ffn() const noexcept { return ffn_; }

  /// out = layer(tokens). tokens: [up to the tape's batch x width], which must live unchanged until backward; out: the
  /// same shape, elsewhere. Nothing is allocated, here or in backward.
  void forward(matrix_view<const A> tokens, dense_tape<A>& remembered, matrix_view<A> out) const {
    Expects(out.rows() == tokens.rows() && out.columns() == width() && (out.empty() || out.data() != tokens.data()));
    hidden_forward(tokens, remembered);
    down().template forward<A>(remembered.hidden(), remembered.scratch(), out);
  }

  /// Adds the gradients of a loss to `into`, for the last forward with this tape. out_gradient: dL/dout, [tokens x
  /// width]. Throws shape_error where a gradient does not fit.
  void backward(dense_tape<A>& remembered, matrix_view<const A> out_gradient, const ffn_gradients<A>& into) const {
    Expects(remembered.made_for(*this) && remembered.branch_gates().empty());
    Expects(out_gradient.rows() == remembered.tokens().rows() && out_gradient.columns() == width());
    check_shapes(into, *this, remembered.tokens().rows());
    linear_gradients<A>{into.down, into.down_bias}.add(remembered.hidden(), out_gradient, remembered.scratch());
    linear_map<A>{}.start(remembered.hidden_gradients());
    down().template backward<A>(out_gradient, remembered.scratch(), remembered.hidden_gradients());
    hidden_backward(remembered, into);
  }

  // What follows is for layers that put something between hidden and down.

  linear_map<T> down() const noexcept { return {ffn_.down, ffn_.down_bias}; }

  /// tokens -> hidden.
  void hidden_forward(matrix_view<const A> tokens, dense_tape<A>& remembered) const {
    Expects(remembered.made_for(*this) && tokens.columns() == width());
    remembered.start(tokens);
    const matrix_view<A> inner = remembered.inner(), outer = remembered.outer(), hidden = remembered.hidden();
    to_inner().template forward<A>(tokens, remembered.scratch(), inner);
    if (ffn_.gated()) to_outer().template forward<A>(tokens, remembered.scratch(), outer);
    for (index_t token = 0; token < tokens.rows(); ++token) {
      for (index_t j = 0; j < neurons(); ++j) {
        const A opened = activated(activate_, inner(token, j));
        hidden(token, j) = ffn_.gated() ? opened * outer(token, j) : opened;
      }
    }
  }

  /// dL/dhidden, which stands in the tape -> gradients of all that is before it.
  void hidden_backward(dense_tape<A>& remembered, const ffn_gradients<A>& into) const {
    const matrix_view<const A> tokens = remembered.tokens();
    const matrix_view<A> inner = remembered.inner(), outer = remembered.outer();
    const matrix_view<const A> slopes = remembered.hidden_gradients();
    training_scratch<A>& scratch = remembered.scratch();
    const matrix_view<A> of_inner = scratch.weighted(tokens.rows(), neurons());
    const matrix_view<A> of_outer = scratch.products(tokens.rows(), neurons());
    for (index_t token = 0; token < tokens.rows(); ++token) {
      for (index_t j = 0; j < neurons(); ++j) {
        const A slope = slopes(token, j);
        of_inner(token, j) = slope * (ffn_.gated() ? outer(token, j) : A(1)) * activate_.derivative(inner(token, j));
        if (ffn_.gated()) of_outer(token, j) = slope * activated(activate_, inner(token, j));
      }
    }
    const linear_gradients<A> of_up{into.up, into.up_bias};
    (ffn_.gated() ? linear_gradients<A>{into.gate, into.gate_bias} : of_up).add(tokens, of_inner, scratch);
    to_inner().template backward<A>(of_inner, scratch, into.tokens);
    if (!ffn_.gated()) return;
    of_up.add(tokens, of_outer, scratch);
    to_outer().template backward<A>(of_outer, scratch, into.tokens);
  }

private:
  // What feeds the activation, and what stands beside it.
  linear_map<T> to_inner() const noexcept {
    return ffn_.gated() ? linear_map<T>{ffn_.gate, ffn_.gate_bias} : to_outer();
  }
  linear_map<T> to_outer() const noexcept { return {ffn_.up, ffn_.up_bias}; }

  ffn_weights<T> ffn_;
  [[no_unique_address]] Activation activate_;
};

}  // namespace fissile
