// One block of a model as a model of its own: its embeddings are the states that the blocks before it left, so that a
// session reads the block alone, and every matrix tells what it was given.
#pragma once

#include "calibrate_inputs.hpp"

#include <engine/model.hpp>
#include <engine/session.hpp>

#include <fissile/weights/activations.hpp>

#include <algorithm>
#include <vector>

namespace fissile::unravel {

/// A matrix that is overheard; `to` may be nobody.
struct overheard_matrix {
  matrix_view<const float> weights;  // [outputs x inputs]
  overheard_inputs* to = nullptr;
};
// What a session calls for a matrix.
inline void linear(matrix_view<const float> tokens, const overheard_matrix& layer, matrix_view<float> out,
                   executor_reference run) {
  if (layer.to != nullptr) layer.to->add(tokens);
  engine::linear(tokens, layer.weights, out, run);
}
inline void add_linear(matrix_view<const float> tokens, const overheard_matrix& layer, matrix_view<float> out,
                       executor_reference run) {
  if (layer.to != nullptr) layer.to->add(tokens);
  engine::add_linear(tokens, layer.weights, out, run);
}

/// Scratch of a feed-forward layer as engines compute it, over whole batches.
class hidden_activations {
public:
  /// silu(gate . x) * (up . x), [tokens x neurons]; good until the next call.
  matrix_view<const float> operator()(const ffn_weights<float>& ffn, matrix_view<const float> tokens) {
    const std::size_t count = to_size(tokens.rows() * ffn.neurons());
    gate_.resize(count);
    hidden_.resize(count);
    const matrix_view<float> hidden{hidden_.data(), tokens.rows(), ffn.neurons()};
    engine::linear(tokens, ffn.gate, {gate_.data(), tokens.rows(), ffn.neurons()});
    engine::linear(tokens, ffn.up, hidden);
    for (std::size_t i = 0; i < count; ++i) hidden_[i] *= silu{}(gate_[i]);
    return hidden;
  }

private:
  std::vector<float> gate_, hidden_;
};

/// A language_model of one block. Borrows all.
class block_model {
public:
  struct block_type {
    vector_view<const float> attention_norm;
    overheard_matrix query;
    matrix_view<const float> key, value;  // read what query reads
    overheard_matrix output;
    vector_view<const float> ffn_norm;
  };

  /// `to`: where the inputs go, or nobody.
  block_model(engine::architecture sizes, const engine::block_weights& block, block_inputs* to = nullptr)
      : sizes_(sizes),
        block_{.attention_norm = block.attention_norm,
               .query = {block.query, to == nullptr ? nullptr : &to->attention},
               .key = block.key,
               .value = block.value,
               .output = {block.output, to == nullptr ? nullptr : &to->attended},
               .ffn_norm = block.ffn_norm} {
    sizes_.layers = 1;
  }

  /// What the session reads next: token i is states.row(i). [positions x width]
  void begin(matrix_view<const float> states) noexcept { states_ = states; }

  const engine::architecture& sizes() const noexcept { return sizes_; }
  index_t vocabulary() const noexcept { return std::max<index_t>(states_.rows(), 1); }
  matrix_view<const float> embedding() const noexcept { return states_; }
  const block_type& block(index_t) const noexcept { return block_; }
  // Nobody asks for logits of a block.
  vector_view<const float> output_norm() const noexcept { return {}; }
  matrix_view<const float> output() const noexcept { return {}; }

private:
  engine::architecture sizes_;
  block_type block_;
  matrix_view<const float> states_;
};

}  // namespace fissile::unravel
