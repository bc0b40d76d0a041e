// A LLaMA model whose feed-forward layers are mixtures of experts (Mixtral's kind), and how a token chooses among them.
//
//   p = softmax(rows . x);  chosen: the k experts of highest p;  weights: p of the chosen, divided by their sum
#pragma once

#include <engine/model_frame.hpp>

#include <fissile/route/decorators.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/run/sparse_ffn.hpp>

#include <string>
#include <utility>
#include <vector>

namespace fissile::engine {

/// As llama.cpp weighs the experts of this architecture.
using mixture_router = router<linear_scorer, softmax, normalised<scaled<top_k>>>;

/// Const once loaded; threads may share it. Move-only; views into it stay good when it moves. Experts are of the type
/// the user names, as the layers of `model`; routers are float.
template <gguf_element T = float>
class mixture : public model_frame {
public:
  explicit mixture(std::string path) : model_frame(std::move(path)) {
    const index_t experts = sizes().experts, width = sizes().width, neurons = sizes().neurons;
    if (experts == 0) refuse(file(), "llama.expert_count", "a mixture of experts", "a dense model");
    for (index_t layer = 0; layer < sizes().layers; ++layer) {
      const std::string block = "blk." + std::to_string(layer) + ".ffn_";
      rows_.push_back(matrix<float>(block + "gate_inp.weight", experts, width));
      stacks_.push_back({.gate = matrix<T>(block + "gate_exps.weight", experts * neurons, width),
                         .up = matrix<T>(block + "up_exps.weight", experts * neurons, width),
                         .down = matrix<T>(block + "down_exps.weight", experts * width, neurons),
                         .experts = experts});
    }
    refuse_other_tensors();
  }

  /// [experts x width]
  matrix_view<const float> router_rows(index_t layer) const noexcept { return rows_[to_size(layer)]; }
  const stacked_ffn_weights<T>& experts(index_t layer) const noexcept { return stacks_[to_size(layer)]; }
  mixture_router router_of(index_t layer) const {
    return {linear_scorer{router_rows(layer)}, softmax{}, normalised{scaled{top_k{.k = sizes().active}}}};
  }

private:
  std::vector<matrix_view<const float>> rows_;  // [layers]
  std::vector<stacked_ffn_weights<T>> stacks_;  // [layers]
};

/// For a session: every layer by its router.
template <gguf_element T>
class mixture_feed_forward {
public:
  /// Borrows the model; `batch` as of the session. `run` lends threads and must outlive this.
  mixture_feed_forward(const mixture<T>& weights, index_t batch, executor_reference run = {})
      : layers_(borrow_all(weights)), work_(layers_.front(), {.batch = batch}, run) {
    for (index_t layer = 0; layer < weights.sizes().layers; ++layer) routers_.push_back(weights.router_of(layer));
  }

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) noexcept {
    routers_[to_size(layer)](tokens, work_);
    layers_[to_size(layer)].accumulate(tokens, work_, residual);
  }

private:
  using layer_type = sparse_ffn<borrowed_stack<T>, silu>;

  static std::vector<layer_type> borrow_all(const mixture<T>& weights) {
    std::vector<layer_type> layers;
    for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
      layers.emplace_back(borrow(weights.experts(layer)), silu{});
    }
    return layers;
  }

  std::vector<layer_type> layers_;
  std::vector<mixture_router> routers_;
  workspace work_;
};

}  // namespace fissile::engine
