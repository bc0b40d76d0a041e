// Scratch of training: what a call needs and may forget when it returns. One serves all layers of a thread.
#pragma once

#include <fissile/base/element.hpp>
#include <fissile/base/view.hpp>
#include <fissile/train/expert_runs.hpp>
#include <fissile/train/product.hpp>

#include <concepts>
#include <string>
#include <vector>

namespace fissile {

struct training_settings {
  index_t batch = 1;  // tokens in one call, at most
};

/// Sized once for `layer`, and for any layer that is not larger.
/// Memory: batch * (2 * neurons + experts) numbers and batch * experts indices, the blocks of one product, and one
/// widened matrix where weights are not stored in the number that is computed in.
template <std::floating_point A>
class training_scratch {
public:
  template <class Layer>
  explicit training_scratch(const Layer& layer, training_settings settings = {})
      : batch_(checked(settings.batch)), widened_(to_size(widened_size(layer))), runs_(batch_, layer.experts()) {
    weighted_.resize(to_size(batch_ * layer.neurons()));
    products_.resize(to_size(batch_ * layer.neurons()));
    scores_.resize(to_size(batch_ * layer.experts()));
  }

  index_t batch() const noexcept { return batch_; }

  /// Whether there is room for the layer's matrices in A.
  template <class Layer>
  bool widens(const Layer& layer) const noexcept {
    return widened_size(layer) <= length(widened_);
  }
  template <class Layer>
  void check_fits(const Layer& layer) const {
    if (batch_ * layer.neurons() <= length(weighted_) && batch_ * layer.experts() <= length(scores_) && widens(layer)) {
      return;
    }
    fail<shape_error>({.argument = "tape: scratch",
                       .expected = "one made for a layer of at least " + std::to_string(layer.neurons()) +
                                   " neurons and " + std::to_string(layer.experts()) + " experts",
                       .got = "one made for a smaller layer",
                       .cure = "make the scratch for the largest layer of the network"});
  }

  // What follows is for the library's own floors.

  matrix_view<A> weighted(index_t tokens, index_t neurons) noexcept { return {weighted_.data(), tokens, neurons}; }
  matrix_view<A> products(index_t tokens, index_t neurons) noexcept { return {products_.data(), tokens, neurons}; }
  matrix_view<A> scores(index_t tokens, index_t experts) noexcept { return {scores_.data(), tokens, experts}; }

  /// The tokens of each expert; who needs them groups them first.
  expert_runs& runs() noexcept { return runs_; }
  /// Where products are computed.
  product_space<A>& space() noexcept { return space_; }

  /// The matrix in A: itself where it is stored so, else a copy that lasts until the next call.
  template <element T>
  matrix_view<const A> widened(matrix_view<const T> stored) noexcept {
    if constexpr (std::same_as<T, A>) {
      return stored;
    } else {
      const matrix_view<A> copy{widened_.data(), stored.rows(), stored.columns()};
      for (index_t row = 0; row < stored.rows(); ++row) {
        const T* from = stored.row(row).data();
        A* to = copy.row(row).data();
        for (index_t i = 0; i < stored.columns(); ++i) to[i] = widen<A>(from[i]);
      }
      return copy;
    }
  }

private:
  static index_t checked(index_t batch) {
    if (batch >= 1) return batch;
    fail<setting_error>(
        {.argument = "training_scratch: batch", .expected = "at least 1 token", .got = std::to_string(batch)});
  }
  template <class Layer>
  static index_t widened_size(const Layer& layer) noexcept {
    return std::same_as<typename Layer::element_type, A> ? 0 : layer.neurons() * layer.width();
  }

  index_t batch_;
  std::vector<A> weighted_, products_;  // [batch x neurons]
  std::vector<A> scores_;               // [batch x experts]
  std::vector<A> widened_;              // [neurons * width], or nothing
  expert_runs runs_;
  product_space<A> space_;
};
template <class Layer>
training_scratch(const Layer&, training_settings = {}) -> training_scratch<typename Layer::number_type>;

}  // namespace fissile
