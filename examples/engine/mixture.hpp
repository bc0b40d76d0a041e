// A LLaMA model whose feed-forward layers are mixtures of experts, and how a token chooses among them.
//
//   llama     p = softmax(rows . x);  chosen: the k experts of highest p;  weights: p of the chosen, divided by their
//             sum (Mixtral's kind)
//   glm4moe   p = sigmoid(rows . x);  chosen: the k experts of highest p + bias;  weights: p times a constant;  beside
//             them, shared experts at weight 1
#pragma once

#include <engine/model_frame.hpp>

#include <fissile/partition/even_slices.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/run/sparse_ffn.hpp>

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace fissile::engine {

/// Weights are multiplied by a constant.
template <class Inner>
struct multiplied {
  Inner inner;
  float factor = 1;

  void check(index_t experts) const { check_settings(inner, experts); }
  void select(selection scores, route& chosen) const noexcept {
    inner.select(scores, chosen);
    for (choice& c : chosen) c.weight *= factor;
  }
};

/// As llama.cpp weighs the experts of each architecture.
using softmax_router = router<linear_scorer, softmax, normalised<scaled<top_k>>>;
using sigmoid_router = router<linear_scorer, sigmoid, biased<multiplied<scaled<top_k>>>>;
using mixture_router = std::variant<softmax_router, sigmoid_router>;

/// Const once loaded; threads may share it. Move-only; views into it stay good when it moves. Experts are of the type
/// the user names, as the layers of `model`; routers are float.
template <gguf_element T = float>
class mixture : public model_frame {
public:
  explicit mixture(std::string path) : model_frame(std::move(path)) {
    const index_t experts = sizes().experts, width = sizes().width, neurons = sizes().neurons;
    if (experts == 0) refuse(file(), "llama.expert_count", "a mixture of experts", "a dense model");
    for (index_t layer = 0; layer < sizes().layers; ++layer) {
      const std::string block = "blk." + std::to_string(layer) + ".", ffn = block + "ffn_";
      rows_.push_back(matrix<float>(ffn + "gate_inp.weight", experts, width));
      stacks_.push_back({.gate = matrix<T>(ffn + "gate_exps.weight", experts * neurons, width),
                         .up = matrix<T>(ffn + "up_exps.weight", experts * neurons, width),
                         .down = matrix<T>(ffn + "down_exps.weight", experts * width, neurons),
                         .experts = experts});
      if (sizes().shared == 0) continue;
      const index_t together = sizes().shared * neurons;
      biases_.push_back(matrix<float>(block + "exp_probs_b.bias", 1, experts).row(0));
      shared_.push_back({.gate = matrix<T>(ffn + "gate_shexp.weight", together, width),
                         .up = matrix<T>(ffn + "up_shexp.weight", together, width),
                         .down = matrix<T>(ffn + "down_shexp.weight", width, together)});
    }
    refuse_other_tensors();
  }

  /// [experts x width]
  matrix_view<const float> router_rows(index_t layer) const noexcept { return rows_[to_size(layer)]; }
  const stacked_ffn_weights<T>& experts(index_t layer) const noexcept { return stacks_[to_size(layer)]; }
  /// The shared experts of a layer as one, where sizes().shared is not 0.
  const ffn_weights<T>& shared(index_t layer) const noexcept { return shared_[to_size(layer)]; }
  mixture_router router_of(index_t layer) const {
    const linear_scorer scores{router_rows(layer)};
    const scaled<top_k> weighed{top_k{.k = sizes().active}};
    if (sizes().family == model_family::llama) return softmax_router{scores, softmax{}, normalised{weighed}};
    const vector_view<const float> bias = biases_[to_size(layer)];
    return sigmoid_router{
        scores, sigmoid{}, {multiplied<scaled<top_k>>{weighed, sizes().expert_scale}, {bias.begin(), bias.end()}}};
  }

private:
  std::vector<matrix_view<const float>> rows_;    // [layers]
  std::vector<stacked_ffn_weights<T>> stacks_;    // [layers]
  std::vector<vector_view<const float>> biases_;  // [layers][experts], or none
  std::vector<ffn_weights<T>> shared_;            // [layers], or none
};

/// For a session: every layer by its router.
template <gguf_element T>
class mixture_feed_forward {
public:
  /// Borrows the model; `batch` as of the session. `run` lends threads and must outlive this.
  mixture_feed_forward(const mixture<T>& weights, index_t batch, executor_reference run = {})
      : layers_(borrow_all(weights)), shared_(borrow_shared(weights)), work_(layers_.front(), {.batch = batch}, run) {
    if (!shared_.empty()) shared_work_.emplace(shared_.front(), workspace_settings{.batch = batch}, run);
    for (index_t layer = 0; layer < weights.sizes().layers; ++layer) routers_.push_back(weights.router_of(layer));
  }

  void operator()(index_t layer, matrix_view<const float> tokens, matrix_view<float> residual) noexcept {
    std::visit([&](const auto& choose) noexcept { choose(tokens, work_); }, routers_[to_size(layer)]);
    layers_[to_size(layer)].accumulate(tokens, work_, residual);
    if (shared_.empty()) return;
    shared_work_->choose_all(tokens.rows(), 1);
    shared_[to_size(layer)].accumulate(tokens, *shared_work_, residual);
  }

private:
  using layer_type = sparse_ffn<borrowed_stack<T>, silu>;
  using shared_type = sparse_ffn<borrowed_experts<T>, silu>;

  static std::vector<layer_type> borrow_all(const mixture<T>& weights) {
    std::vector<layer_type> layers;
    for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
      layers.emplace_back(borrow(weights.experts(layer)), silu{});
    }
    return layers;
  }
  static std::vector<shared_type> borrow_shared(const mixture<T>& weights) {
    std::vector<shared_type> layers;
    for (index_t layer = 0; weights.sizes().shared > 0 && layer < weights.sizes().layers; ++layer) {
      const ffn_weights<T>& ffn = weights.shared(layer);
      layers.emplace_back(borrow(ffn, even_slices{}.split(ffn, 1)), silu{});
    }
    return layers;
  }

  std::vector<layer_type> layers_;
  std::vector<shared_type> shared_;  // one expert each, or none
  std::vector<mixture_router> routers_;
  workspace work_;
  std::optional<workspace> shared_work_;
};

}  // namespace fissile::engine
