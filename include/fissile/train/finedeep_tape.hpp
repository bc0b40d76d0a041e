// What forward of a Finedeep layer remembers until backward has used it, and room for both. Sized once.
#pragma once

#include <fissile/train/scratch.hpp>

#include <vector>

namespace fissile {

/// `count` columns from column `first` on.
template <class T>
matrix_view<T> column_slice(matrix_view<T> matrix, index_t first, index_t count) noexcept {
  Expects(first >= 0 && count >= 0 && count <= matrix.columns() - first);
  return {matrix.data() + first, matrix.rows(), count, matrix.row_stride()};
}

/// One for each layer of a network, and for each thread. The scratch is borrowed and may be shared by the layers.
/// Memory: batch * (4 * neurons + (experts + 2 * sub-layers + 2) * width + experts + sub-layers) numbers.
template <std::floating_point A>
class finedeep_tape {
public:
  /// Throws shape_error where the layer is larger than what the scratch was made for.
  template <class Layer>
  finedeep_tape(const Layer& layer, training_scratch<A>& scratch)
      : width_(layer.width()),
        neurons_(layer.neurons()),
        experts_(layer.experts()),
        sublayers_(layer.sublayers()),
        scratch_(&scratch) {
    scratch.check_fits(layer);
    const index_t hidden = scratch.batch() * neurons_, streams = scratch.batch() * width_;
    for (std::vector<A>* of_neurons : {&inner_, &outer_, &activated_, &hidden_}) of_neurons->resize(to_size(hidden));
    for (std::vector<A>* of_sublayers : {&streams_, &normed_}) of_sublayers->resize(to_size(sublayers_ * streams));
    for (std::vector<A>* gradient : {&gradient_, &part_gradient_}) gradient->resize(to_size(streams));
    outputs_.resize(to_size(experts_ * streams));
    weights_.resize(to_size(scratch.batch() * experts_));
    inverses_.resize(to_size(scratch.batch() * sublayers_));
  }

  /// r, what each expert's output was multiplied by; the experts of sub-layer 0 first. [tokens x experts]
  matrix_view<const A> weights() const noexcept { return {weights_.data(), batch(), experts_}; }
  /// act(gate . x) of the neurons of one sub-layer. [tokens x neurons of a sub-layer]
  matrix_view<const A> activated(index_t sublayer) const noexcept { return neurons_of(activated_, sublayer); }

  // What follows is for the library's own floors.

  template <class Layer>
  bool made_for(const Layer& layer) const noexcept {
    return layer.width() == width_ && layer.neurons() == neurons_ && layer.experts() == experts_ &&
           layer.sublayers() == sublayers_ && scratch_->widens(layer);
  }
  /// Forgets the batch before. The tokens are borrowed.
  void start(matrix_view<const A> tokens) noexcept {
    Expects(tokens.rows() <= scratch_->batch());
    tokens_ = tokens;
  }
  matrix_view<const A> tokens() const noexcept { return tokens_; }
  training_scratch<A>& scratch() noexcept { return *scratch_; }

  /// h_j before sub-layer j: the tokens, or what the sub-layer below left. [tokens x width]
  matrix_view<const A> stream(index_t sublayer) const noexcept {
    return sublayer == 0 ? tokens_ : matrix_view<const A>(part(streams_, sublayer, width_));
  }
  /// Where sub-layer j leaves its sum, when it is not the last.
  matrix_view<A> next_stream(index_t sublayer) noexcept { return part(streams_, sublayer + 1, width_); }
  matrix_view<A> normed(index_t sublayer) noexcept { return part(normed_, sublayer, width_); }
  /// Of the norm. [tokens]
  vector_view<A> inverses(index_t sublayer) noexcept { return {inverses_.data() + sublayer * batch(), batch()}; }
  /// gate . x, up . x, act(gate . x) and act(gate . x) * (up . x). [tokens x neurons of a sub-layer]
  matrix_view<A> inner(index_t sublayer) noexcept { return neurons_of(inner_, sublayer); }
  matrix_view<A> outer(index_t sublayer) noexcept { return neurons_of(outer_, sublayer); }
  matrix_view<A> activated(index_t sublayer) noexcept { return neurons_of(activated_, sublayer); }
  matrix_view<A> hidden(index_t sublayer) noexcept { return neurons_of(hidden_, sublayer); }
  /// Of one expert, counted over all sub-layers. [tokens x width]
  matrix_view<A> output(index_t expert) noexcept { return part(outputs_, expert, width_); }
  matrix_view<A> weights() noexcept { return {weights_.data(), batch(), experts_}; }
  /// dL/dh of the sub-layer at hand. [tokens x width]
  matrix_view<A> gradient() noexcept { return part(gradient_, 0, width_); }
  /// dL/doutput of an expert; then dL/dnormed. [tokens x width]
  matrix_view<A> part_gradient() noexcept { return part(part_gradient_, 0, width_); }

private:
  index_t batch() const noexcept { return tokens_.rows(); }
  template <class Numbers>
  auto part(Numbers& numbers, index_t which, index_t columns) const noexcept {
    return matrix_view{numbers.data() + which * batch() * columns, batch(), columns};
  }
  template <class Numbers>
  auto neurons_of(Numbers& numbers, index_t sublayer) const noexcept {
    return part(numbers, sublayer, neurons_ / sublayers_);
  }

  index_t width_, neurons_, experts_, sublayers_;
  training_scratch<A>* scratch_;
  matrix_view<const A> tokens_ = {};
  std::vector<A> inner_, outer_, activated_, hidden_;  // [sub-layers][batch x neurons of one]
  std::vector<A> streams_, normed_;                    // [sub-layers][batch x width]
  std::vector<A> outputs_;                             // [experts][batch x width]
  std::vector<A> weights_;                             // [batch x experts]
  std::vector<A> inverses_;                            // [sub-layers][batch]
  std::vector<A> gradient_, part_gradient_;            // [batch x width]
};
template <class Layer, std::floating_point A>
finedeep_tape(const Layer&, training_scratch<A>&) -> finedeep_tape<A>;

}  // namespace fissile
