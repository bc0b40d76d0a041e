// What every layer of the dense model was given and what it answered, while it read a text: the lessons of a router.
#pragma once

#include "score.hpp"
#include "workers.hpp"

#include <engine/packed_model.hpp>

#include <fissile/base/random.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace fissile::unravel {

struct layer_samples {
  index_t width = 0;
  std::vector<float> inputs, outputs;  // [tokens x width]

  index_t tokens() const noexcept { return length(inputs) / width; }
  matrix_view<const float> input() const noexcept { return {inputs.data(), tokens(), width}; }
  matrix_view<const float> output() const noexcept { return {outputs.data(), tokens(), width}; }
  void append(const layer_samples& more) {
    inputs.insert(inputs.end(), more.inputs.begin(), more.inputs.end());
    outputs.insert(outputs.end(), more.outputs.begin(), more.outputs.end());
  }
};

/// What a thread reads with: a session and scratch for layers like this one.
struct reading_desk {
  template <class Layer>
  reading_desk(const engine::packed_model<float>& weights, const Layer& layer)
      : read(weights, session_for(window_tokens(weights.sizes()))), work(layer, {.batch = read.batch()}) {}
  engine::session<engine::packed_model<float>> read;
  workspace work;
};

/// The dense model, whose layers are overheard.
class overheard_dense {
public:
  overheard_dense(const engine::packed_model<float>& weights, std::vector<layer_samples>& into, workspace& work)
      : model_(&weights), into_(&into), work_(&work) {}

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) {
    layer_samples& heard = (*into_)[to_size(layer)];
    const std::size_t before = heard.inputs.size(), count = to_size(tokens.rows() * tokens.columns());
    heard.outputs.resize(before + count);
    const matrix_view<float> output{heard.outputs.data() + before, tokens.rows(), tokens.columns()};
    work_->choose_all(tokens.rows(), model_->ffn(layer).experts());
    model_->ffn(layer)(tokens, *work_, output);
    for (index_t token = 0; token < tokens.rows(); ++token) {
      heard.inputs.insert(heard.inputs.end(), tokens.row(token).begin(), tokens.row(token).end());
      for (index_t i = 0; i < tokens.columns(); ++i) residual(token, i) += output(token, i);
    }
  }

private:
  const engine::packed_model<float>* model_;
  std::vector<layer_samples>* into_;
  workspace* work_;
};

/// By layer, the tokens of all windows in their order; threads share them by text.
inline std::vector<layer_samples> overhear(const engine::packed_model<float>& weights,
                                           const std::vector<std::vector<window>>& texts, index_t threads,
                                           progress& told) {
  const engine::architecture& sizes = weights.sizes();
  const std::vector<layer_samples> nothing(to_size(sizes.layers),
                                           layer_samples{.width = sizes.width, .inputs = {}, .outputs = {}});
  std::vector<std::vector<layer_samples>> heard(texts.size(), nothing);
  run_jobs({.jobs = length(texts), .threads = threads}, told, [&] {
    return [&, desk = std::make_shared<reading_desk>(weights, weights.ffn(0))](index_t text) {
      overheard_dense ffn{weights, heard[to_size(text)], desk->work};
      for (const window& one : texts[to_size(text)]) read_window(desk->read, one, ffn, [](index_t, index_t) {});
    };
  });
  std::vector<layer_samples> all = nothing;
  for (const auto& text : heard) {
    for (std::size_t layer = 0; layer < all.size(); ++layer) all[layer].append(text[layer]);
  }
  return all;
}

/// A batch of tokens drawn from all samples, with what was answered. The draw depends on seed and step alone, so that a
/// run that is taken up draws the same.
class drawn_batch {
public:
  drawn_batch(const layer_samples& from, index_t batch)
      : from_(&from), batch_(batch), inputs_(to_size(batch * from.width)), outputs_(inputs_.size()) {}

  void draw(std::uint64_t seed, index_t step) {
    random_source random{seed ^ (0x9e3779b97f4a7c15u * (static_cast<std::uint64_t>(step) + 1))};
    for (index_t i = 0; i < batch_; ++i) {
      const index_t token = random.below(from_->tokens());
      const auto copy = [&](matrix_view<const float> rows, std::vector<float>& to) {
        std::copy(rows.row(token).begin(), rows.row(token).end(), to.begin() + i * from_->width);
      };
      copy(from_->input(), inputs_);
      copy(from_->output(), outputs_);
    }
  }
  matrix_view<const float> inputs() const noexcept { return {inputs_.data(), batch_, from_->width}; }
  matrix_view<const float> outputs() const noexcept { return {outputs_.data(), batch_, from_->width}; }

private:
  const layer_samples* from_;
  index_t batch_;
  std::vector<float> inputs_, outputs_;  // [batch x width]
};

}  // namespace fissile::unravel
