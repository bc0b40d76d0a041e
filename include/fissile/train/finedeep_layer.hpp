// A dense layer's neurons as M sub-layers of K experts, one sub-layer after the other, every expert at work and weighed
// by its own output: Finedeep (Pan et al., arXiv 2502.12928), forward and backward over a batch.
//
//   x_j = norm_j(h_{j-1})                                h_0: the tokens, the residual stream before the layer
//   E_i = (act(gate_i x_j) * (up_i x_j)) down_i
//   r_i = sigmoid(E_i . R_i)                             not normalised over the experts
//   h_j = h_{j-1} + sum over the experts i of sub-layer j of r_i E_i
//
// The routers read outputs, so an output learns by two ways:
//
//   dL/dE_i = r_i g + s_i R_i,  dL/dR_i = sum over tokens of s_i E_i     g = dL/dh_j,  s_i = (g . E_i) r_i (1 - r_i)
#pragma once

#include <fissile/route/squashes.hpp>
#include <fissile/train/finedeep_tape.hpp>
#include <fissile/train/finedeep_weights.hpp>
#include <fissile/train/linear_map.hpp>
#include <fissile/train/rms_norm.hpp>
#include <fissile/weights/activations.hpp>

#include <utility>

namespace fissile {

/// T: what the weights are stored in; A: what is computed in, the type of routers and norms.
///
///   finedeep_layer layer{finedeep_weights<float, float>{ffn, routers, norms}, silu{}, {.sublayers = 2, .experts = 4}};
///   training_scratch scratch{layer, {.batch = 64}};
///   finedeep_tape remembered{layer, scratch};
///   layer.forward(tokens, remembered, out);
///   layer.backward(remembered, out_gradient, {.layer = {.up = up_gradient}});
template <element T, std::floating_point A, class Activation>
class finedeep_layer {
  static_assert(differentiable_activation<Activation>,
                "fissile::finedeep_layer, activation: `float operator()(float)` and `float derivative(float)`, both "
                "const noexcept (docs/concepts/activation.md)");

public:
  using element_type = T;
  using number_type = A;

  /// Throws setting_error where the neurons do not make equal experts, shape_error where a view does not fit.
  finedeep_layer(finedeep_weights<T, A> weights, Activation activate, finedeep_grid grid)
      : weights_(weights), activate_(std::move(activate)), grid_(grid) {
    check_shapes(ffn(), "finedeep");
    if (!ffn().gated() || !ffn().gate_bias.empty() || !ffn().up_bias.empty() || !ffn().down_bias.empty()) {
      fail<shape_error>({.argument = "finedeep: ffn", .expected = "gated and no biases", .got = "another layer"});
    }
    check_divides(grid, neurons());
    check("finedeep: routers", weights.routers, experts());
    check("finedeep: norms", weights.norms, sublayers());
  }

  index_t width() const noexcept { return ffn().width(); }
  index_t neurons() const noexcept { return ffn().neurons(); }
  /// M K.
  index_t experts() const noexcept { return grid_.sublayers * grid_.experts; }
  index_t sublayers() const noexcept { return grid_.sublayers; }
  const ffn_weights<T>& ffn() const noexcept { return weights_.ffn; }

  /// out = h_M, with the tokens in it: nobody adds the residual again. tokens: [up to the tape's batch x width], which
  /// must live unchanged until backward; out: the same shape, elsewhere. Nothing is allocated, here or in backward.
  void forward(matrix_view<const A> tokens, finedeep_tape<A>& remembered, matrix_view<A> out) const {
    Expects(remembered.made_for(*this) && tokens.columns() == width());
    Expects(out.rows() == tokens.rows() && out.columns() == width() && (out.empty() || out.data() != tokens.data()));
    remembered.start(tokens);
    for (index_t j = 0; j < sublayers(); ++j) {
      const matrix_view<A> sum = j + 1 < sublayers() ? remembered.next_stream(j) : out;
      copy(remembered.stream(j), sum);
      if (normed()) norm(j).forward(remembered.stream(j), remembered.inverses(j), remembered.normed(j));
      rows_map(ffn().gate, j).forward(input(j, remembered), remembered.scratch(), remembered.inner(j));
      rows_map(ffn().up, j).forward(input(j, remembered), remembered.scratch(), remembered.outer(j));
      activate_hidden(j, remembered);
      for (index_t e = j * grid_.experts; e < (j + 1) * grid_.experts; ++e) {
        down_map(e).template forward<A>(of_expert(remembered.hidden(j), e), remembered.scratch(), remembered.output(e));
        add_weighed(e, remembered, sum);
      }
    }
  }

  /// Adds the gradients of a loss to `into`, for the last forward with this tape. out_gradient: dL/dout, [tokens x
  /// width]. Throws shape_error where a gradient does not fit.
  void backward(finedeep_tape<A>& remembered, matrix_view<const A> out_gradient,
                const finedeep_gradients<A>& into) const {
    Expects(remembered.made_for(*this));
    const matrix_view<A> gradient = remembered.gradient();
    Expects(out_gradient.rows() == gradient.rows() && out_gradient.columns() == width());
    check_shapes(into.layer, *this, gradient.rows());
    check("gradients: norms", into.norms, sublayers());
    copy(out_gradient, gradient);
    for (index_t j = sublayers(); j-- > 0;) sublayer_backward(j, remembered, into);
    for (index_t token = 0; token < into.layer.tokens.rows(); ++token) {
      for (index_t i = 0; i < width(); ++i) into.layer.tokens(token, i) += gradient(token, i);
    }
  }

private:
  bool normed() const noexcept { return !weights_.norms.empty(); }
  rms_norm<A> norm(index_t j) const noexcept { return {weights_.norms.row(j), grid_.epsilon}; }
  matrix_view<const A> input(index_t j, finedeep_tape<A>& remembered) const noexcept {
    return normed() ? matrix_view<const A>(remembered.normed(j)) : remembered.stream(j);
  }
  /// What sub-layer j has of gate or up.
  template <class U>
  matrix_view<U> rows_of(matrix_view<U> matrix, index_t j) const noexcept {
    const index_t count = neurons() / sublayers();
    return matrix.empty() ? matrix : matrix.rows(j * count, count);
  }
  /// What expert e has of down, and of its sub-layer's neurons.
  template <class U>
  matrix_view<U> down_of(matrix_view<U> down, index_t e) const noexcept {
    return down.empty() ? down : column_slice(down, e * size(), size());
  }
  template <class U>
  matrix_view<U> of_expert(matrix_view<U> hidden, index_t e) const noexcept {
    return column_slice(hidden, e % grid_.experts * size(), size());
  }
  linear_map<T> rows_map(matrix_view<const T> matrix, index_t j) const noexcept { return {rows_of(matrix, j)}; }
  linear_map<T> down_map(index_t e) const noexcept { return {down_of(ffn().down, e)}; }
  index_t size() const noexcept { return neurons() / experts(); }

  static void copy(matrix_view<const A> from, matrix_view<A> to) noexcept {
    for (index_t token = 0; token < to.rows(); ++token) {
      for (index_t i = 0; i < to.columns(); ++i) to(token, i) = from(token, i);
    }
  }
  static void clear(matrix_view<A> numbers) noexcept { linear_map<A>{}.start(numbers); }

  /// inner, outer -> activated, hidden.
  void activate_hidden(index_t j, finedeep_tape<A>& remembered) const noexcept {
    const matrix_view<A> inner = remembered.inner(j), outer = remembered.outer(j);
    for (index_t token = 0; token < inner.rows(); ++token) {
      for (index_t n = 0; n < inner.columns(); ++n) {
        remembered.activated(j)(token, n) = activated(activate_, inner(token, n));
        remembered.hidden(j)(token, n) = remembered.activated(j)(token, n) * outer(token, n);
      }
    }
  }
  /// r of the expert, and r E added to the sum.
  void add_weighed(index_t e, finedeep_tape<A>& remembered, matrix_view<A> sum) const noexcept {
    for (index_t token = 0; token < sum.rows(); ++token) {
      const A* output = remembered.output(e).row(token).data();
      A r = 1;
      if (!weights_.routers.empty()) {
        A score = 0;
        for (index_t i = 0; i < width(); ++i) score += output[i] * weights_.routers(e, i);
        r = sigmoid::of(score);
      }
      remembered.weights()(token, e) = r;
      for (index_t i = 0; i < width(); ++i) sum(token, i) += r * output[i];
    }
  }
  /// dL/dE into part_gradient, dL/dR added to `router`.
  void weigh_backward(index_t e, finedeep_tape<A>& remembered, matrix_view<A> router) const noexcept {
    for (index_t token = 0; token < remembered.tokens().rows(); ++token) {
      const A* slope = remembered.gradient().row(token).data();
      const A* output = remembered.output(e).row(token).data();
      A* output_slope = remembered.part_gradient().row(token).data();
      const A r = remembered.weights()(token, e);
      for (index_t i = 0; i < width(); ++i) output_slope[i] = r * slope[i];
      if (weights_.routers.empty()) continue;
      A along = 0;
      for (index_t i = 0; i < width(); ++i) along += slope[i] * output[i];
      const A score_slope = along * r * (A(1) - r);
      for (index_t i = 0; i < width(); ++i) {
        output_slope[i] += score_slope * weights_.routers(e, i);
        if (!router.empty()) router(e, i) += score_slope * output[i];
      }
    }
  }
  /// dL/dhidden (in `products`) -> dL/dinner (over `weighted`) and dL/douter (over `products`).
  void activate_backward(index_t j, finedeep_tape<A>& remembered, matrix_view<A> weighted,
                         matrix_view<A> products) const noexcept {
    const matrix_view<A> inner = remembered.inner(j), outer = remembered.outer(j);
    for (index_t token = 0; token < inner.rows(); ++token) {
      for (index_t n = 0; n < inner.columns(); ++n) {
        weighted(token, n) = products(token, n) * outer(token, n) * activate_.derivative(inner(token, n));
        products(token, n) *= remembered.activated(j)(token, n);
      }
    }
  }
  /// gradient: dL/dh_j -> dL/dh_{j-1}.
  void sublayer_backward(index_t j, finedeep_tape<A>& remembered, const finedeep_gradients<A>& into) const {
    training_scratch<A>& scratch = remembered.scratch();
    const index_t tokens = remembered.tokens().rows(), count = neurons() / sublayers();
    const matrix_view<A> weighted = scratch.weighted(tokens, count), products = scratch.products(tokens, count);
    clear(products);
    for (index_t e = j * grid_.experts; e < (j + 1) * grid_.experts; ++e) {
      weigh_backward(e, remembered, into.layer.router);
      const matrix_view<const A> output_gradient = remembered.part_gradient();
      linear_gradients<A>{down_of(into.layer.down, e)}.add(of_expert(remembered.hidden(j), e), output_gradient,
                                                           scratch);
      down_map(e).template backward<A>(output_gradient, scratch, of_expert(products, e));
    }
    activate_backward(j, remembered, weighted, products);

    const matrix_view<A> into_input = normed() ? remembered.part_gradient() : remembered.gradient();
    if (normed()) clear(into_input);
    linear_gradients<A>{rows_of(into.layer.gate, j)}.add(input(j, remembered), weighted, scratch);
    linear_gradients<A>{rows_of(into.layer.up, j)}.add(input(j, remembered), products, scratch);
    rows_map(ffn().gate, j).template backward<A>(weighted, scratch, into_input);
    rows_map(ffn().up, j).template backward<A>(products, scratch, into_input);
    if (!normed()) return;
    norm(j).backward(remembered.stream(j), remembered.inverses(j), into_input,
                     {.gain = into.norms.empty() ? vector_view<A>{} : into.norms.row(j), .in = remembered.gradient()});
  }

  void check(const char* name, matrix_view<const A> given, index_t rows) const {
    if (given.empty() || (given.rows() == rows && given.columns() == width())) return;
    fail<shape_error>({.argument = name, .expected = shape_of(rows, width()) + ", or none", .got = shape_of(given)});
  }

  finedeep_weights<T, A> weights_;
  [[no_unique_address]] Activation activate_;
  finedeep_grid grid_;
};

}  // namespace fissile
