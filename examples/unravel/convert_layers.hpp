// A dense model that is read block by block: of all its weights, those of one block are in memory, and the states of
// the texts that wait before it.
#pragma once

#include "calibrate_block.hpp"
#include "convert_pages.hpp"
#include "distil_samples.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace fissile::unravel {

/// The weights of a file as float, one block at a time; what was asked for stays good until the next is.
class layer_by_layer {
public:
  /// Borrows the file. Throws file_error for another model than a dense LLaMA.
  explicit layer_by_layer(const gguf_file& file) : file_(&file), sizes_(engine::read_architecture(file)) {}

  const engine::architecture& sizes() const noexcept { return sizes_; }
  const gguf_file& file() const noexcept { return *file_; }

  void open(index_t layer) {
    numbers_.clear();
    const index_t width = sizes_.width, neurons = sizes_.neurons;
    const std::string at = "blk." + std::to_string(layer) + ".";
    block_ = {.attention_norm = matrix(at + "attn_norm.weight", 1, width).row(0),
              .query = matrix(at + "attn_q.weight", sizes_.query_width(), width),
              .key = matrix(at + "attn_k.weight", sizes_.key_width(), width),
              .value = matrix(at + "attn_v.weight", sizes_.key_width(), width),
              .output = matrix(at + "attn_output.weight", width, sizes_.query_width()),
              .ffn_norm = matrix(at + "ffn_norm.weight", 1, width).row(0)};
    ffn_ = {.gate = matrix(at + "ffn_gate.weight", neurons, width),
            .up = matrix(at + "ffn_up.weight", neurons, width),
            .down = matrix(at + "ffn_down.weight", width, neurons)};
  }
  const engine::block_weights& block() const noexcept { return block_; }
  const ffn_weights<float>& ffn() const noexcept { return ffn_; }

private:
  matrix_view<const float> matrix(const std::string& name, index_t rows, index_t columns) {
    const gguf_tensor& tensor = file_->tensor(name);
    if (tensor.rows() != rows || tensor.columns() != columns) {
      engine::refuse(*file_, name, shape_of(rows, columns), shape_of(tensor.rows(), tensor.columns()));
    }
    const float* read = numbers_.emplace_back(file_->read_floats(name)).data();
    forget_pages(file_->raw(name));
    return {read, rows, columns};
  }

  const gguf_file* file_;
  engine::architecture sizes_;
  std::vector<std::vector<float>> numbers_;  // inner vectors stay where they are when the outer one grows
  engine::block_weights block_;
  ffn_weights<float> ffn_;
};

/// The residual stream of texts on its way through the blocks; 4 width bytes a token.
class text_states {
public:
  text_states(const layer_by_layer& model, const std::vector<window>& windows) : sizes_(model.sizes()) {
    const std::vector<float> embedding = model.file().read_floats("token_embd.weight");
    const index_t words = length(embedding) / sizes_.width;
    for (const window& one : windows) {
      std::vector<float>& states = states_.emplace_back();
      for (const engine::token_id token : one.tokens) {
        Expects(token >= 0 && token < words);
        const float* row = embedding.data() + static_cast<index_t>(token) * sizes_.width;
        states.insert(states.end(), row, row + sizes_.width);
      }
      longest_ = std::max(longest_, length(one.tokens));
      tokens_ += length(one.tokens);
    }
  }

  index_t tokens() const noexcept { return tokens_; }

  /// Moves on by the block that is open, and returns what its feed-forward layer was given and what it answered.
  layer_samples pass(const layer_by_layer& model) {
    layer_samples heard{.width = sizes_.width, .inputs = {}, .outputs = {}};
    block_model alone{sizes_, model.block()};
    engine::session<block_model> read{alone,
                                      {.context = longest_, .batch = std::min(longest_, tokens_at_once), .scored = 1}};
    std::vector<engine::token_id> numbers(to_size(longest_));
    std::iota(numbers.begin(), numbers.end(), engine::token_id{0});
    const auto feed_forward = [&](index_t, matrix_view<const float> tokens, matrix_view<float> residual) {
      const std::size_t before = heard.outputs.size();
      heard.inputs.insert(heard.inputs.end(), tokens.data(), tokens.data() + tokens.rows() * tokens.columns());
      heard.outputs.resize(heard.inputs.size(), 0.0f);
      const matrix_view<float> answer{heard.outputs.data() + before, tokens.rows(), tokens.columns()};
      engine::add_linear(hidden_of_(model.ffn(), tokens), model.ffn().down, answer);
      for (index_t token = 0; token < tokens.rows(); ++token) {
        for (index_t i = 0; i < tokens.columns(); ++i) residual(token, i) += answer(token, i);
      }
    };
    for (std::vector<float>& states : states_) {
      const std::vector<float> before = states;
      const index_t count = length(before) / sizes_.width;
      alone.begin({before.data(), count, sizes_.width});
      read.rewind(0);
      for (index_t first = 0; first < count; first += read.batch()) {
        const index_t now = std::min(read.batch(), count - first);
        read(vector_view<const engine::token_id>{numbers}.part(first, now), feed_forward,
             [&](index_t blocks, matrix_view<const float> after) {
               if (blocks == 1) std::copy_n(after.data(), now * sizes_.width, states.begin() + first * sizes_.width);
             });
      }
    }
    return heard;
  }

private:
  engine::architecture sizes_;
  std::vector<std::vector<float>> states_;  // [windows][tokens x width]
  index_t tokens_ = 0, longest_ = 1;
  hidden_activations hidden_of_;
};

}  // namespace fissile::unravel
