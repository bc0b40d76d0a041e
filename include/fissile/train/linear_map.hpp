// One matrix of a layer over a whole batch, forward and backward side by side, each a single product; for the few
// tokens that do not repay its copying, products of Eigen one token at a time, which allocate nothing either.
//
//   out = in * weights^T + bias                    rows of `weights` are outputs, rows of in and out are tokens
//   dL/dweights = (dL/dout)^T * in      dL/dbias = sum over tokens of dL/dout      dL/din = dL/dout * weights
//
// The only file of the library, but for <fissile/with/eigen.hpp>, that knows Eigen.
#pragma once

#include <fissile/train/scratch.hpp>
#include <fissile/weights/ffn_weights.hpp>

#include <Eigen/Core>

namespace fissile {

/// A row-major matrix that Eigen reads or writes where it lies.
template <class A>
auto as_eigen(matrix_view<A> view) noexcept {
  using matrix = Eigen::Matrix<std::remove_const_t<A>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using mapped = std::conditional_t<std::is_const_v<A>, const matrix, matrix>;
  return Eigen::Map<mapped, Eigen::Unaligned, Eigen::OuterStride<>>(view.data(), view.rows(), view.columns(),
                                                                    Eigen::OuterStride<>(view.row_stride()));
}

/// Borrowed weights and, or not, their bias. Weights stored in another number than A are widened into the scratch.
template <element T>
struct linear_map {
  matrix_view<const T> weights;             // [outputs x inputs]
  vector_view<const bias_of<T>> bias = {};  // [outputs], or empty

  /// in: [tokens x inputs]; out: [tokens x outputs], written.
  template <std::floating_point A>
  void forward(matrix_view<const A> in, training_scratch<A>& scratch, std::type_identity_t<matrix_view<A>> out) const {
    start(out);
    const matrix_view<const A> wide = scratch.widened(weights);
    if (in.rows() > few) return scratch.space().add_product(pick(in).swapped(), pick(wide).swapped(), pick(out));
    for (index_t token = 0; token < in.rows(); ++token) {
      as_eigen(out).row(token).noalias() += as_eigen(in).row(token) * as_eigen(wide).transpose();
    }
  }
  /// out = bias, or 0: what products are added to.
  template <std::floating_point A>
  void start(matrix_view<A> out) const noexcept {
    for (index_t token = 0; token < out.rows(); ++token) {
      for (index_t i = 0; i < out.columns(); ++i) out(token, i) = bias.empty() ? A(0) : static_cast<A>(bias[i]);
    }
  }

  /// Adds dL/din to `into`, unless that is empty. out_gradient: [tokens x outputs]; into: [tokens x inputs].
  template <std::floating_point A>
  void backward(matrix_view<const A> out_gradient, training_scratch<A>& scratch,
                std::type_identity_t<matrix_view<A>> into) const {
    if (into.empty()) return;
    const matrix_view<const A> wide = scratch.widened(weights);
    if (into.rows() > few) return scratch.space().add_product(pick(out_gradient).swapped(), pick(wide), pick(into));
    for (index_t token = 0; token < into.rows(); ++token) {
      as_eigen(into).row(token).noalias() += as_eigen(out_gradient).row(token) * as_eigen(wide);
    }
  }

  /// Up to so many tokens, reading the weights where they lie is faster than first copying them into blocks.
  static constexpr index_t few = 3;
};

/// Adds dL/dweights and dL/dbias of a linear map to those of `into` that are not empty.
template <std::floating_point A>
struct linear_gradients {
  matrix_view<A> weights;    // [outputs x inputs]
  vector_view<A> bias = {};  // [outputs]

  /// in: [tokens x inputs]; out_gradient: [tokens x outputs].
  void add(matrix_view<const A> in, matrix_view<const A> out_gradient, training_scratch<A>& scratch) const {
    if (!weights.empty()) scratch.space().add_product(pick(out_gradient), pick(in), pick(weights));
    add_bias(out_gradient);
  }
  void add_bias(matrix_view<const A> out_gradient) const noexcept {
    if (bias.empty()) return;
    for (index_t token = 0; token < out_gradient.rows(); ++token) {
      for (index_t i = 0; i < out_gradient.columns(); ++i) bias[i] += out_gradient(token, i);
    }
  }
};

}  // namespace fissile
