// A model whose blocks were changed: a copy of every matrix of its blocks in float, over the embeddings of the old one.
#pragma once

#include "calibrate_block.hpp"

#include <engine/model.hpp>

#include <fissile/weights/owned_ffn.hpp>

#include <utility>
#include <vector>

namespace fissile::unravel {

/// [outputs x inputs] each, as the model has them; layers may differ in neurons.
struct changed_block {
  std::vector<float> query, key, value, output;
  owned_ffn<float> ffn;
};

/// A language_model that sessions read with. Borrows the model that it was made of.
class changed_model {
public:
  explicit changed_model(const engine::model<float>& base) : base_(&base) {
    const auto copy = [](matrix_view<const float> from) {
      return std::vector<float>(from.data(), from.data() + from.rows() * from.columns());
    };
    for (index_t layer = 0; layer < layers(); ++layer) {
      const engine::block_weights& block = base.block(layer);
      const ffn_weights<float>& ffn = base.ffn(layer);
      changed_block& made = blocks_.emplace_back();
      made.query = copy(block.query);
      made.key = copy(block.key);
      made.value = copy(block.value);
      made.output = copy(block.output);
      made.ffn = {.width = ffn.width(),
                  .neurons = ffn.neurons(),
                  .gate = copy(ffn.gate),
                  .up = copy(ffn.up),
                  .down = copy(ffn.down)};
    }
  }

  const engine::model<float>& base() const noexcept { return *base_; }
  index_t layers() const noexcept { return base_->sizes().layers; }
  const changed_block& changed(index_t layer) const noexcept { return blocks_[to_size(layer)]; }
  /// To be changed; views of the block end with that.
  changed_block& change(index_t layer) noexcept { return blocks_[to_size(layer)]; }

  /// As of the old model; `ffn(layer).neurons()` tells how many neurons a layer has now.
  const engine::architecture& sizes() const noexcept { return base_->sizes(); }
  index_t vocabulary() const noexcept { return base_->vocabulary(); }
  matrix_view<const float> embedding() const noexcept { return base_->embedding(); }
  vector_view<const float> output_norm() const noexcept { return base_->output_norm(); }
  matrix_view<const float> output() const noexcept { return base_->output(); }

  engine::block_weights block(index_t layer) const noexcept {
    const changed_block& own = blocks_[to_size(layer)];
    engine::block_weights view = base_->block(layer);
    const auto of = [](const std::vector<float>& numbers, matrix_view<const float> shape) {
      return matrix_view<const float>{numbers.data(), shape.rows(), shape.columns()};
    };
    view.query = of(own.query, view.query);
    view.key = of(own.key, view.key);
    view.value = of(own.value, view.value);
    view.output = of(own.output, view.output);
    return view;
  }
  ffn_weights<float> ffn(index_t layer) const noexcept { return blocks_[to_size(layer)].ffn.view(); }

private:
  const engine::model<float>* base_;
  std::vector<changed_block> blocks_;  // [layers]
};

/// The feed-forward layers of a `changed_model`, or of an engine::model<float>, for a session that reads with it.
template <class Model>
class whole_feed_forward {
public:
  explicit whole_feed_forward(const Model& weights) : model_(&weights) {}

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) {
    const ffn_weights<float> ffn = model_->ffn(layer);
    engine::add_linear(hidden_of_(ffn, tokens), ffn.down, residual);
  }

private:
  const Model* model_;
  hidden_activations hidden_of_;
};

}  // namespace fissile::unravel
