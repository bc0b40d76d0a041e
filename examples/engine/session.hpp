// A session: one text being read by a model, token by token or many at once, each seeing all that came before.
//
//   session read{model};                       // remembers keys and values of every token it has read
//   read(tokens, ffn);                         // any number at once; ffn(layer, tokens, residual) is the caller's
//   read.logits();                             // [tokens of the last call x vocabulary]
//
// All memory is taken at the start; reading takes none, but what Eigen needs for products of large batches with weights
// that are not packed.
#pragma once

#include <engine/arithmetic.hpp>
#include <engine/attention.hpp>
#include <engine/vocabulary.hpp>

#include <algorithm>
#include <concepts>
#include <vector>

namespace fissile::engine {

/// feed_forward: adds a layer's feed-forward output to the residual stream.
/// Law: `ffn(layer, tokens, residual)` adds FFN(tokens) of that layer to `residual`, row by row; the tokens are normed.
/// Satisfied by dense_feed_forward, split_feed_forward, packed_feed_forward, and any callable of these three.
template <class F>
concept feed_forward = requires(F& ffn, index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) {
  ffn(layer, tokens, residual);
};

/// language_model: what a session reads with: all weights but those of the feed-forward layers.
/// Law: const once made; `block(layer)` has the norms and the matrices of a block, each as `linear` takes it.
/// Satisfied by model and packed_model.
// clang-format off
template <class M>
concept language_model = requires(const M& weights, index_t layer) {
  { weights.sizes() } noexcept -> std::same_as<const architecture&>;
  { weights.vocabulary() } noexcept -> std::same_as<index_t>;
  { weights.embedding() } noexcept -> std::same_as<matrix_view<const float>>;
  { weights.output_norm() } noexcept -> std::same_as<vector_view<const float>>;
  weights.output();
  weights.block(layer).query;
};
// clang-format on

/// Looks at no states.
struct no_states {
  void operator()(index_t, matrix_view<const float>) const noexcept {}
};

struct session_settings {
  index_t context = 0;  // tokens in all; 0: as many as the model was trained for
  index_t batch = 0;    // tokens in one call, at most; 0: as many as the context, but no more than 1024
  index_t scored = 0;   // tokens of a call whose logits are asked for, at most; 0: all; 1 serves last_logits()
};

template <language_model Model>
class session {
public:
  /// Borrows the model. `run` lends threads and must outlive the session.
  explicit session(const Model& weights, session_settings chosen = {}, executor_reference run = {})
      : model_(&weights),
        context_(chosen.context > 0 ? chosen.context : weights.sizes().context),
        batch_(std::min(chosen.batch > 0 ? chosen.batch : index_t{1024}, context_)),
        scored_(chosen.scored > 0 ? std::min(chosen.scored, batch_) : batch_),
        run_(run),
        rotation_(context_, weights.sizes().rotated, weights.sizes().rotation_base),
        residual_(batch_, weights.sizes().width),
        normed_(batch_, weights.sizes().width),
        query_(batch_, weights.sizes().query_width()),
        attended_(batch_, weights.sizes().query_width()),
        key_(batch_, weights.sizes().key_width()),
        value_(batch_, weights.sizes().key_width()),
        logits_(scored_, weights.vocabulary()),
        attention_(weights.sizes(), context_, run) {
    for (index_t layer = 0; layer < weights.sizes().layers; ++layer) caches_.emplace_back(weights.sizes(), context_);
  }

  index_t context() const noexcept { return context_; }
  index_t batch() const noexcept { return batch_; }
  /// Tokens read so far.
  index_t position() const noexcept { return position_; }
  /// Forgets all tokens from `position` on: 0 begins a new text.
  void rewind(index_t position) noexcept {
    Expects(position >= 0 && position <= position_);
    position_ = position;
  }

  /// Reads `tokens` after those read before. `states(layer, residual)` sees the residual stream [tokens x width] before
  /// the first block (layer 0) and after each (1 ... layers).
  template <feed_forward Ffn, class States = no_states>
  void operator()(vector_view<const token_id> tokens, Ffn&& ffn, States&& states = {}) {
    Expects(tokens.length() <= batch_ && position_ + tokens.length() <= context_);
    read_ = tokens.length();
    for (index_t i = 0; i < read_; ++i) {
      Expects(tokens[i] >= 0 && tokens[i] < model_->vocabulary());
      const vector_view<const float> row = model_->embedding().row(tokens[i]);
      std::copy(row.begin(), row.end(), residual_.rows(i, 1).data());
    }
    states(index_t{0}, residual_.rows(read_));
    for (index_t layer = 0; layer < model_->sizes().layers; ++layer) {
      const auto& block = model_->block(layer);
      norm_rows(residual_.rows(read_), block.attention_norm, model_->sizes().norm_epsilon, normed_.rows(read_));
      attend(block, caches_[to_size(layer)]);
      norm_rows(residual_.rows(read_), block.ffn_norm, model_->sizes().norm_epsilon, normed_.rows(read_));
      ffn(layer, matrix_view<const float>{normed_.rows(read_)}, residual_.rows(read_));
      states(layer + 1, residual_.rows(read_));
    }
    position_ += read_;
  }

  /// For each token of the last call, which `scored` allows, how likely each token is to come next.
  /// [tokens x vocabulary]
  matrix_view<const float> logits() { return score(0); }
  /// The same for the last token alone. [vocabulary]
  vector_view<const float> last_logits() { return score(read_ - 1).row(0); }

private:
  /// residual += output . attention(normed); appends this batch to the cache of the layer.
  template <class Block>
  void attend(const Block& block, attention_cache& cache) {
    const index_t size = model_->sizes().head_size;
    linear(normed_.rows(read_), block.query, query_.rows(read_), run_);
    linear(normed_.rows(read_), block.key, key_.rows(read_), run_);
    linear(normed_.rows(read_), block.value, value_.rows(read_), run_);
    rotation_.apply(query_.rows(read_), size, position_);
    rotation_.apply(key_.rows(read_), size, position_);
    cache.append(position_, key_.rows(read_), value_.rows(read_));
    attention_(cache, query_.rows(read_), attended_.rows(read_), position_);
    add_linear(attended_.rows(read_), block.output, residual_.rows(read_), run_);
  }

  matrix_view<const float> score(index_t first) {
    Expects(first >= 0 && read_ > 0);
    const index_t count = read_ - first;
    Expects(count <= scored_);
    norm_rows(residual_.rows(first, count), model_->output_norm(), model_->sizes().norm_epsilon, normed_.rows(count));
    linear(normed_.rows(count), model_->output(), logits_.rows(count), run_);
    return logits_.rows(count);
  }

  const Model* model_;
  index_t context_, batch_, scored_;
  index_t position_ = 0;
  index_t read_ = 0;  // by the last call
  executor_reference run_;
  rotation rotation_;
  grid residual_, normed_;  // [batch x width]
  grid query_, attended_;   // [batch x heads * head_size]
  grid key_, value_;        // [batch x key_heads * head_size]
  grid logits_;             // [scored x vocabulary]
  attention attention_;
  std::vector<attention_cache> caches_;  // [layers]
};

}  // namespace fissile::engine
