// The products of a LLaMA block, over weights as files hold them or packed, and what stands between: norm and rotation.
#pragma once

#include <fissile/base/executor.hpp>
#include <fissile/base/index.hpp>
#include <fissile/base/view.hpp>
#include <fissile/pack/packed_matrix.hpp>

#include <Eigen/Core>

#include <cmath>
#include <vector>

namespace fissile::engine {

namespace maps {
using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using input = Eigen::Map<const row_major, 0, Eigen::OuterStride<>>;
using output = Eigen::Map<row_major, 0, Eigen::OuterStride<>>;
inline input eigen(matrix_view<const float> view) {
  return {view.data(), view.rows(), view.columns(), Eigen::OuterStride<>(view.row_stride())};
}
inline output eigen(matrix_view<float> view) {
  return {view.data(), view.rows(), view.columns(), Eigen::OuterStride<>(view.row_stride())};
}
}  // namespace maps

/// out += tokens . layer^T, for a layer as files hold it. tokens: [n x inputs]; layer: [outputs x inputs]. On the
/// caller's thread alone.
inline void add_linear(matrix_view<const float> tokens, matrix_view<const float> layer, matrix_view<float> out,
                       executor_reference = {}) {
  maps::eigen(out).noalias() += maps::eigen(tokens) * maps::eigen(layer).transpose();
}
/// out = tokens . layer^T
inline void linear(matrix_view<const float> tokens, matrix_view<const float> layer, matrix_view<float> out,
                   executor_reference = {}) {
  maps::eigen(out).setZero();
  add_linear(tokens, layer, out);
}
/// The same over panels, on the caller's threads.
template <packed_element T>
void linear(matrix_view<const float> tokens, const packed_matrix<T>& layer, matrix_view<float> out,
            executor_reference run) noexcept {
  layer(tokens, out, run);
}
template <packed_element T>
void add_linear(matrix_view<const float> tokens, const packed_matrix<T>& layer, matrix_view<float> out,
                executor_reference run) noexcept {
  layer.accumulate(tokens, out, run);
}

/// A matrix that owns its numbers.
class grid {
public:
  grid(index_t rows, index_t columns) : numbers_(to_size(rows * columns)), columns_(columns) {}
  matrix_view<float> rows(index_t count) noexcept { return rows(0, count); }
  matrix_view<float> rows(index_t first, index_t count) noexcept {
    return {numbers_.data() + first * columns_, count, columns_};
  }

private:
  std::vector<float> numbers_;
  index_t columns_;
};

/// normed_i = x_i / sqrt(mean over i of x_i^2 + epsilon) * weight_i, for each row x.
inline void norm_rows(matrix_view<const float> rows, vector_view<const float> weight, float epsilon,
                      matrix_view<float> normed) noexcept {
  for (index_t token = 0; token < rows.rows(); ++token) {
    const float* x = rows.row(token).data();
    float* out = normed.row(token).data();
    float squares = 0;
    for (index_t i = 0; i < rows.columns(); ++i) squares += x[i] * x[i];
    const float scale = 1.0f / std::sqrt(squares / static_cast<float>(rows.columns()) + epsilon);
    for (index_t i = 0; i < rows.columns(); ++i) out[i] = x[i] * scale * weight.data()[i];
  }
}

/// Rotary positions on pairs of neighbours, as files of the LLaMA family store heads:
/// (x_2i, x_2i+1) is turned by the angle position * base^(-2i / rotated).
class rotation {
public:
  rotation(index_t context, index_t rotated, float base) : half_(rotated / 2) {
    turns_.reserve(to_size(context * half_));
    for (index_t position = 0; position < context; ++position) {
      for (index_t i = 0; i < half_; ++i) {
        const double slower = std::pow(static_cast<double>(base), -static_cast<double>(i) / static_cast<double>(half_));
        const double angle = static_cast<double>(position) * slower;
        turns_.push_back({static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))});
      }
    }
  }

  /// rows: [tokens x any number of heads of `head_size`]; the first token stands at `position`.
  void apply(matrix_view<float> rows, index_t head_size, index_t position) const noexcept {
    for (index_t token = 0; token < rows.rows(); ++token) {
      const turn* turns = turns_.data() + (position + token) * half_;
      for (index_t head = 0; head < rows.columns(); head += head_size) {
        float* x = rows.row(token).data() + head;
        for (index_t i = 0; i < half_; ++i, x += 2) {
          const float even = x[0], odd = x[1];
          x[0] = even * turns[i].cosine - odd * turns[i].sine;
          x[1] = even * turns[i].sine + odd * turns[i].cosine;
        }
      }
    }
  }

private:
  struct turn {
    float cosine, sine;
  };
  index_t half_;
  std::vector<turn> turns_;  // [context x rotated / 2]
};

}  // namespace fissile::engine
