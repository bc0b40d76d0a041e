// Feed-forward layers for a session: the plain reference, and fissile with the layers split into experts.
#pragma once

#include <engine/model.hpp>

#include <fissile/partition/even_slices.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include <utility>
#include <vector>

namespace fissile::engine {

/// The layers as they are, in the plain loops that everything else is compared with. Slow.
template <gguf_element T>
class dense_feed_forward {
public:
  explicit dense_feed_forward(const model<T>& weights) : model_(&weights) {}

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) {
    added_.resize(to_size(tokens.rows() * tokens.columns()));
    const matrix_view<float> added{added_.data(), tokens.rows(), tokens.columns()};
    dense_ffn(model_->ffn(layer), silu{}, tokens, added);
    for (index_t token = 0; token < tokens.rows(); ++token) {
      for (index_t i = 0; i < tokens.columns(); ++i) residual(token, i) += added(token, i);
    }
  }

private:
  const model<T>* model_;
  std::vector<float> added_;
};

/// Every layer split into experts, all of them on: the same output. One expert is the fast way to the dense layer.
template <gguf_element T>
class split_feed_forward {
public:
  /// Borrows the model; `batch` as of the session. `run` lends threads and must outlive this.
  split_feed_forward(const model<T>& weights, index_t experts, index_t batch, executor_reference run = {})
      : layers_(split(weights, experts)), work_(layers_.front(), {.batch = batch}, run) {}

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) noexcept {
    const auto& run = layers_[to_size(layer)];
    work_.choose_all(tokens.rows(), run.experts());  // a router would choose here
    run.accumulate(tokens, work_, residual);
  }

private:
  using layer_type = sparse_ffn<borrowed_experts<T>, silu>;

  static std::vector<layer_type> split(const model<T>& weights, index_t experts) {
    std::vector<layer_type> layers;
    for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
      const ffn_weights<T>& ffn = weights.ffn(layer);
      layers.emplace_back(borrow(ffn, even_slices{}.split(ffn, experts)), silu{});
    }
    return layers;
  }

  std::vector<layer_type> layers_;
  workspace work_;
};

}  // namespace fissile::engine
