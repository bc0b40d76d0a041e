// One matrix of a layer over a whole batch, forward and backward side by side, each a single product of Eigen.
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
    as_eigen(out).noalias() = as_eigen(in) * as_eigen(scratch.widened(weights)).transpose();
    if (bias.empty()) return;
    for (index_t token = 0; token < out.rows(); ++token) {
      for (index_t i = 0; i < out.columns(); ++i) out(token, i) += static_cast<A>(bias[i]);
    }
  }

  /// Adds dL/din to `into`, unless that is empty. out_gradient: [tokens x outputs]; into: [tokens x inputs].
  template <std::floating_point A>
  void backward(matrix_view<const A> out_gradient, training_scratch<A>& scratch,
                std::type_identity_t<matrix_view<A>> into) const {
    if (into.empty()) return;
    as_eigen(into).noalias() += as_eigen(out_gradient) * as_eigen(scratch.widened(weights));
  }
};

/// Adds dL/dweights and dL/dbias of a linear map to those of `into` that are not empty.
template <std::floating_point A>
struct linear_gradients {
  matrix_view<A> weights;    // [outputs x inputs]
  vector_view<A> bias = {};  // [outputs]

  /// in: [tokens x inputs]; out_gradient: [tokens x outputs].
  void add(matrix_view<const A> in, matrix_view<const A> out_gradient) const {
    if (!weights.empty()) as_eigen(weights).noalias() += as_eigen(out_gradient).transpose() * as_eigen(in);
    if (bias.empty()) return;
    for (index_t token = 0; token < out_gradient.rows(); ++token) {
      for (index_t i = 0; i < out_gradient.columns(); ++i) bias[i] += out_gradient(token, i);
    }
  }
};

}  // namespace fissile
