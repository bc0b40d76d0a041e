// The layer in training: a router with a threshold gate and the experts behind it, forward and backward over a batch.
//
//   value_i  = sigmoid(router_i . x)                       DSMoE (Lv et al. 2025)
//   weight_i = factor * G(value_i)                         threshold_gate.hpp
//   y        = down_bias + sum over i of weight_i * output_i(x)
//
// Backward puts the slope dS/dv of a surrogate where the derivative of G would stand; all else is exact:
//
//   dL/dscore_i  = (factor * dS/dv_i * dL/dweight_i + what penalties ask) * value_i * (1 - value_i)
//   dL/drouter_i = sum over tokens of dL/dscore_i * x
//
// An inactive expert's weights get exactly 0, its row of the router does not (eq. 13 to 16). That needs the hidden
// activations of inactive experts and dL/dhidden: three products of the nine of a step are dense on purpose. The other
// six run by expert, over the tokens it works for (expert_products.hpp). `sparse_ffn` behind a `router` with the same
// gate gives the same outputs in inference.
#pragma once

#include <fissile/partition/borrowed_experts.hpp>
#include <fissile/train/expert_hidden.hpp>
#include <fissile/train/expert_products.hpp>
#include <fissile/train/gradients.hpp>
#include <fissile/train/linear_map.hpp>
#include <fissile/train/router_values.hpp>
#include <fissile/weights/activations.hpp>

#include <utility>

namespace fissile {

/// T: what the weights are stored in; A: what is computed in, the type of the router's rows.
///
///   trainable_ffn layer{borrow(ffn, split), router_rows, silu{}, threshold_gate{.threshold = 0.5f}};
///   training_scratch scratch{layer, {.batch = 64}};
///   tape remembered{layer, scratch};
///   layer.forward(tokens, remembered, out);
///   layer.backward(remembered, out_gradient, {.up = up_gradient, .router = router_gradient}, straight_through{});
///
/// Weights and router are borrowed: the optimiser changes them in place, and inference reads the same memory. Marks of
/// shared experts mean nothing here. The layer itself is never changed, so several threads may use it, each with a
/// tape, scratch and gradients of its own.
template <element T, std::floating_point A, class Activation>
class trainable_ffn {
  static_assert(differentiable_activation<Activation>,
                "fissile::trainable_ffn, activation: `float operator()(float)` and `float derivative(float)`, both "
                "const noexcept (docs/concepts/activation.md)");

public:
  using element_type = T;
  using number_type = A;

  /// router: [experts x width], borrowed. Throws shape_error where it does not fit.
  trainable_ffn(borrowed_experts<T> storage, matrix_view<const A> router, Activation activate, threshold_gate rule = {})
      : storage_(std::move(storage)), router_{router}, activate_(std::move(activate)), rule_(rule) {
    if (router.rows() == experts() && router.columns() == width()) return;
    fail<shape_error>({.argument = "trainable_ffn: router",
                       .expected = shape_of(experts(), width()),
                       .got = shape_of(router),
                       .cure = "a row for each expert of the partition"});
  }

  index_t width() const noexcept { return storage_.width(); }
  index_t neurons() const noexcept { return split().neurons(); }
  index_t experts() const noexcept { return split().experts(); }
  const partition& split() const noexcept { return storage_.experts(); }
  ffn_weights<T> ffn() const noexcept { return storage_.expert(0).ffn; }

  /// out = layer(tokens). tokens: [up to the tape's batch x width], which must live unchanged until backward; out the
  /// same shape, elsewhere. Nothing is allocated, here or in backward.
  void forward(matrix_view<const A> tokens, tape<A>& remembered, matrix_view<A> out) const {
    Expects(remembered.made_for(*this) && tokens.columns() == width());
    Expects(out.rows() == tokens.rows() && out.columns() == width() && (out.empty() || out.data() != tokens.data()));
    training_scratch<A>& scratch = remembered.scratch();
    remembered.start(tokens, rule_);

    router_.forward(tokens, scratch, remembered.scores());
    open_gates(remembered);

    inner().forward(tokens, scratch, remembered.inner());
    if (ffn().gated()) outer().forward(tokens, scratch, remembered.outer());
    activate_inner(activate_, remembered);
    weigh_hidden(split(), remembered);
    scratch.runs().group(std::as_const(remembered).weights(), split());
    down().start(out);
    add_expert_outputs<T, A>(remembered.weighted(), ffn().down, scratch, out);
  }

  /// Adds the gradients of a loss to `into`, for the last forward with this tape. May be called again, with another
  /// surrogate say; the weights must not have changed in between. out_gradient: dL/dout, [tokens x width].
  /// Throws shape_error where a gradient does not fit.
  template <class Surrogate = straight_through>
  void backward(tape<A>& remembered, matrix_view<const A> out_gradient, const ffn_gradients<A>& into,
                const Surrogate& slopes = {}) const {
    static_assert(surrogate<Surrogate, A>,
                  "fissile::trainable_ffn::backward, surrogate: `A slope(A value, activity) const noexcept` "
                  "(docs/concepts/surrogate.md)");
    const matrix_view<const A> tokens = remembered.tokens();
    Expects(remembered.made_for(*this));
    Expects(out_gradient.rows() == tokens.rows() && out_gradient.columns() == width());
    check_shapes(into, *this, tokens.rows());
    training_scratch<A>& scratch = remembered.scratch();

    scratch.runs().group(std::as_const(remembered).weights(), split());
    weigh_hidden(split(), remembered);
    add_down_gradient<A>(remembered.weighted(), out_gradient, scratch, into.down);
    linear_gradients<A>{into.down, into.down_bias}.add_bias(out_gradient);
    linear_map<A>{}.start(remembered.products());
    down().template backward<A>(out_gradient, scratch, remembered.products());

    weigh_hidden_backward(split(), remembered);
    open_gates_backward(slopes, remembered);
    linear_gradients<A>{into.router}.add(tokens, remembered.scores(), scratch);
    router_.template backward<A>(remembered.scores(), scratch, into.tokens);

    activate_inner_backward(activate_, split(), remembered);
    const auto learn = [&](matrix_view<const T> rows, const linear_gradients<A>& of_rows,
                           matrix_view<const A> sum_gradient) {
      add_row_gradient<A>(tokens, sum_gradient, scratch, of_rows.weights);
      of_rows.add_bias(sum_gradient);
      add_token_gradient<T, A>(sum_gradient, rows, scratch, into.tokens);
    };
    if (!ffn().gated()) return learn(ffn().up, {into.up, into.up_bias}, remembered.weighted());
    learn(ffn().gate, {into.gate, into.gate_bias}, remembered.weighted());
    learn(ffn().up, {into.up, into.up_bias}, remembered.products());
  }

private:
  // What feeds the activation, what stands beside it, and what leads out; see expert_hidden.hpp.
  linear_map<T> inner() const noexcept { return ffn().gated() ? linear_map<T>{ffn().gate, ffn().gate_bias} : outer(); }
  linear_map<T> outer() const noexcept { return {ffn().up, ffn().up_bias}; }
  linear_map<T> down() const noexcept { return {ffn().down, ffn().down_bias}; }

  borrowed_experts<T> storage_;
  linear_map<A> router_;
  [[no_unique_address]] Activation activate_;
  threshold_gate rule_;
};
template <element T, class A, class Activation>
trainable_ffn(borrowed_experts<T>, matrix_view<A>, Activation, threshold_gate = {})
    -> trainable_ffn<T, std::remove_const_t<A>, Activation>;

}  // namespace fissile
