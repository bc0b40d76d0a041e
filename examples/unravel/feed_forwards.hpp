// What stands in for a model's feed-forward layers while a study reads: some experts on, some experts routed, or all on
// while a router is watched.
#pragma once

#include "split_model.hpp"

#include <fissile/count/activation_counts.hpp>

#include <utility>
#include <vector>

namespace fissile::unravel {

/// The experts that remain in each layer, ascending. [layers][survivors]
using survivors = std::vector<std::vector<index_t>>;

/// The survivors are all on, at weight 1.
class survivors_on {
public:
  survivors_on(const split_model& split, const survivors& kept, workspace& work)
      : split_(&split), kept_(&kept), work_(&work) {}

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) noexcept {
    work_->choose_these(tokens.rows(), (*kept_)[to_size(layer)]);
    split_->layer(layer).accumulate(tokens, *work_, residual);
  }

private:
  const split_model* split_;
  const survivors* kept_;
  workspace* work_;
};

/// Of the survivors the oracle chooses `active` for each token, at weight 1.
class survivors_routed {
public:
  survivors_routed(const split_model& split, const survivors& kept, index_t active, workspace& work)
      : split_(&split), work_(&work) {
    for (index_t layer = 0; layer < split.layers(); ++layer) {
      choose_.push_back(split.oracle(layer, active, kept[to_size(layer)]));
    }
  }

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) noexcept {
    choose_[to_size(layer)](tokens, *work_);
    split_->layer(layer).accumulate(tokens, *work_, residual);
  }

private:
  const split_model* split_;
  workspace* work_;
  std::vector<oracle_router> choose_;  // [layers]
};

/// The dense model, while the routes of an oracle over all experts are counted.
class counting_dense {
public:
  counting_dense(const split_model& split, index_t active, workspace& work) : split_(&split), work_(&work) {
    for (index_t layer = 0; layer < split.layers(); ++layer) {
      choose_.push_back(split.oracle(layer, active, split.all_experts()));
    }
  }

  /// What is read from here on is counted for this label, but for the first `skipped` tokens.
  void count_into(activation_counts& counts, index_t label, index_t skipped) {
    into_.clear();
    for (index_t layer = 0; layer < split_->layers(); ++layer) into_.push_back(counts.at(label, layer));
    skipped_.assign(into_.size(), skipped);
  }

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) noexcept {
    choose_[to_size(layer)](tokens, *work_);
    index_t& skipped = skipped_[to_size(layer)];
    for (const route& chosen : work_->routes()) {
      if (skipped > 0) {
        --skipped;
      } else {
        into_[to_size(layer)].token(chosen);
      }
    }
    work_->choose_all(tokens.rows(), split_->experts());
    split_->layer(layer).accumulate(tokens, *work_, residual);
  }

private:
  const split_model* split_;
  workspace* work_;
  std::vector<oracle_router> choose_;  // [layers]
  std::vector<route_counter> into_;    // [layers]
  std::vector<index_t> skipped_;       // [layers]: tokens still to be left out
};

}  // namespace fissile::unravel
