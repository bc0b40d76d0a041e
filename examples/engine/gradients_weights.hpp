// The weights of a dense model in the number that gradients are computed in: float in use, double where derivatives are
// checked.
#pragma once

#include <engine/model.hpp>

#include <concepts>
#include <deque>
#include <vector>

namespace fissile::engine {

/// A block of a dense model, feed-forward weights included.
template <std::floating_point A>
struct wide_block {
  vector_view<const A> attention_norm;  // [width]
  matrix_view<const A> query;           // [heads * head_size x width]
  matrix_view<const A> key, value;      // [key_heads * head_size x width]
  matrix_view<const A> output;          // [width x heads * head_size]
  vector_view<const A> ffn_norm;        // [width]
  matrix_view<const A> gate, up;        // [neurons x width]
  matrix_view<const A> down;            // [width x neurons]
};

/// Const once made; threads may share it. Borrows what the model has as A, so that the model must outlive it, and
/// widens the rest once. A mixture is no `model`: reading its file as one is refused.
template <std::floating_point A = float>
class wide_model {
public:
  template <gguf_element T>
  explicit wide_model(const model<T>& weights) : sizes_(weights.sizes()) {
    embedding_ = wide(weights.embedding());
    output_ = weights.output().data() == weights.embedding().data() ? embedding_ : wide(weights.output());
    output_norm_ = wide(weights.output_norm());
    for (index_t layer = 0; layer < sizes_.layers; ++layer) {
      const block_weights& block = weights.block(layer);
      const ffn_weights<T>& ffn = weights.ffn(layer);
      blocks_.push_back({.attention_norm = wide(block.attention_norm),
                         .query = wide(block.query),
                         .key = wide(block.key),
                         .value = wide(block.value),
                         .output = wide(block.output),
                         .ffn_norm = wide(block.ffn_norm),
                         .gate = wide(ffn.gate),
                         .up = wide(ffn.up),
                         .down = wide(ffn.down)});
    }
  }
  wide_model(const wide_model&) = delete;
  wide_model& operator=(const wide_model&) = delete;

  const architecture& sizes() const noexcept { return sizes_; }
  index_t vocabulary() const noexcept { return embedding_.rows(); }
  const wide_block<A>& block(index_t layer) const noexcept { return blocks_[to_size(layer)]; }
  matrix_view<const A> embedding() const noexcept { return embedding_; }      // [vocabulary x width]
  vector_view<const A> output_norm() const noexcept { return output_norm_; }  // [width]
  matrix_view<const A> output() const noexcept { return output_; }            // [vocabulary x width]

private:
  template <element T>
  matrix_view<const A> wide(matrix_view<const T> stored) {
    if constexpr (std::same_as<T, A>) {
      return stored;
    } else {
      std::vector<A>& copy = widened_.emplace_back();
      copy.reserve(to_size(stored.rows() * stored.columns()));
      for (index_t row = 0; row < stored.rows(); ++row) {
        for (const T number : stored.row(row)) copy.push_back(widen<A>(number));
      }
      return {copy.data(), stored.rows(), stored.columns()};
    }
  }
  template <element T>
  vector_view<const A> wide(vector_view<const T> stored) {
    return wide(matrix_view<const T>{stored}).row(0);
  }

  architecture sizes_;
  std::deque<std::vector<A>> widened_;
  matrix_view<const A> embedding_, output_;
  vector_view<const A> output_norm_;
  std::vector<wide_block<A>> blocks_;  // [layers]
};

}  // namespace fissile::engine
