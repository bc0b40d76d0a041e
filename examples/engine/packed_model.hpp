// A model as panels: the feed-forward layers as experts, one or many a layer, and every matrix around them.
//
//   packed_model<bf16> packed{weights, {.experts = 16}};
//   packed_feed_forward ffn{packed, read.batch()};
//
// It owns all that it needs, so the model it was made from may go. Each layer is packed before the next is asked for:
// a source that makes or maps its layers one by one is never a second copy in memory.
#pragma once

#include <engine/architecture.hpp>

#include <fissile/pack/pack.hpp>
#include <fissile/pack/packed_matrix.hpp>
#include <fissile/partition/even_slices.hpp>
#include <fissile/run/sparse_ffn.hpp>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace fissile::engine {

struct packed_settings {
  index_t experts = 1;  // of each layer; 1 is the dense layer
  pack_settings panels = {};
};

/// All of a block but its feed-forward weights.
template <packed_element T>
struct packed_block {
  std::vector<float> attention_norm;   // [width]
  packed_matrix<T> query, key, value;  // as in block_weights
  packed_matrix<T> output;
  std::vector<float> ffn_norm;  // [width]
};

/// Const once made; threads may share it. The matrices around the feed-forward layers multiply exactly, whatever
/// `products` says. Embeddings stay float.
template <packed_element T>
class packed_model {
public:
  using layer_type = sparse_ffn<packed_experts<T>, silu>;

  /// source: a `model`, or what has its sizes(), embedding(), output_norm(), output(), block(layer) and ffn(layer).
  /// Each is asked for once, layers ascending, and what it gives must stay good until the next is asked for. Throws
  /// setting_error where the settings cannot be honoured.
  template <class Source>
  explicit packed_model(Source&& source, packed_settings chosen = {}) : sizes_(source.sizes()) {
    pack_settings exact = chosen.panels;
    exact.products = products::exact;
    for (index_t layer = 0; layer < sizes_.layers; ++layer) {
      const auto& block = source.block(layer);
      blocks_.push_back({.attention_norm = copied(block.attention_norm),
                         .query = packed_matrix<T>{block.query, exact},
                         .key = packed_matrix<T>{block.key, exact},
                         .value = packed_matrix<T>{block.value, exact},
                         .output = packed_matrix<T>{block.output, exact},
                         .ffn_norm = copied(block.ffn_norm)});
      const packed_block<T>& made = blocks_.back();
      matrix_bytes_ += made.query.bytes() + made.key.bytes() + made.value.bytes() + made.output.bytes();
      const auto& ffn = source.ffn(layer);
      auto experts = pack<T>(ffn, even_slices{}.split(ffn, chosen.experts), chosen.panels);
      ffn_bytes_ += experts.bytes();
      layers_.emplace_back(std::move(experts), silu{});
    }
    const matrix_view<const float> embedding = source.embedding();
    vocabulary_ = embedding.rows();
    for (index_t token = 0; token < vocabulary_; ++token) {
      embedding_.insert(embedding_.end(), embedding.row(token).begin(), embedding.row(token).end());
    }
    output_norm_ = copied(source.output_norm());
    output_.emplace(source.output(), exact);
    matrix_bytes_ += output_->bytes();
  }

  const architecture& sizes() const noexcept { return sizes_; }
  index_t vocabulary() const noexcept { return vocabulary_; }
  const packed_block<T>& block(index_t layer) const noexcept { return blocks_[to_size(layer)]; }
  const layer_type& ffn(index_t layer) const noexcept { return layers_[to_size(layer)]; }

  matrix_view<const float> embedding() const noexcept {  // [vocabulary x width]
    return {embedding_.data(), vocabulary_, sizes_.width};
  }
  vector_view<const float> output_norm() const noexcept { return output_norm_; }  // [width]
  const packed_matrix<T>& output() const noexcept { return *output_; }            // [vocabulary x width]

  /// Of all feed-forward panels, and of all others; without embeddings and norms.
  index_t ffn_bytes() const noexcept { return ffn_bytes_; }
  index_t matrix_bytes() const noexcept { return matrix_bytes_; }

private:
  static std::vector<float> copied(vector_view<const float> numbers) { return {numbers.begin(), numbers.end()}; }

  architecture sizes_;
  index_t vocabulary_ = 0, ffn_bytes_ = 0, matrix_bytes_ = 0;
  std::vector<packed_block<T>> blocks_;  // [layers]
  std::vector<layer_type> layers_;       // [layers]
  std::vector<float> embedding_;         // [vocabulary x width]
  std::vector<float> output_norm_;       // [width]
  std::optional<packed_matrix<T>> output_;
};

/// For a session: every layer with all its experts on.
template <packed_element T>
class packed_feed_forward {
public:
  /// Borrows the model; `batch` as of the session. `run` lends threads and must outlive this.
  packed_feed_forward(const packed_model<T>& weights, index_t batch, executor_reference run = {})
      : model_(&weights), work_(weights.ffn(0), {.batch = batch}, run) {}

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) noexcept {
    const auto& run = model_->ffn(layer);
    work_.choose_all(tokens.rows(), run.experts());  // a router would choose here
    run.accumulate(tokens, work_, residual);
  }

private:
  const packed_model<T>* model_;
  workspace work_;
};

}  // namespace fissile::engine
