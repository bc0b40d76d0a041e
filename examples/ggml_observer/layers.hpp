// Feed-forward layers as llama.cpp builds them from ggml's own operations, with its names.
#pragma once

#include "ggml_graph.hpp"

#include <fissile/weights/ffn_weights.hpp>
#include <fissile/weights/stacked_ffn_weights.hpp>

namespace fissile::ggml_observer {

/// down . (silu(gate . x) * (up . x))
inline ggml_tensor* dense_layer(ggml_graph& graph, const ffn_weights<float>& ffn, ggml_tensor* x) {
  ggml_context* c = graph.context();
  ggml_tensor* gate = ggml_mul_mat(c, graph.leaf(ffn.gate), x);
  ggml_set_name(gate, "ffn_gate-0");
  ggml_tensor* up = ggml_mul_mat(c, graph.leaf(ffn.up), x);
  return ggml_mul_mat(c, graph.leaf(ffn.down), ggml_swiglu_split(c, gate, up));
}

struct mixture_nodes {
  ggml_tensor* chosen;  // [tokens x used], whole numbers
  ggml_tensor* gates;   // [tokens x used x neurons]
  ggml_tensor* out;     // [tokens x width]: the chosen experts' outputs, each at weight 1
};

/// scores: [experts x width], the rows of the router.
inline mixture_nodes mixture_layer(ggml_graph& graph, const stacked_ffn_weights<float>& experts,
                                   matrix_view<const float> scores, ggml_tensor* x, int used) {
  ggml_context* c = graph.context();
  const auto stack = [&](matrix_view<const float> slab) { return graph.leaf(slab, experts.experts); };
  ggml_tensor* probabilities = ggml_soft_max(c, ggml_mul_mat(c, graph.leaf(scores), x));
  ggml_tensor* chosen = ggml_argsort_top_k(c, probabilities, used);
  ggml_set_name(chosen, "ffn_moe_topk-0");
  ggml_tensor* tokens = ggml_reshape_3d(c, x, x->ne[0], 1, x->ne[1]);
  ggml_tensor* up = ggml_mul_mat_id(c, stack(experts.up), tokens, chosen);
  ggml_tensor* gates = ggml_mul_mat_id(c, stack(experts.gate), tokens, chosen);
  ggml_set_name(gates, "ffn_moe_gate-0");
  ggml_tensor* down = ggml_mul_mat_id(c, stack(experts.down), ggml_swiglu_split(c, gates, up), chosen);
  ggml_tensor* sum = nullptr;
  for (int i = 0; i < used; ++i) {
    ggml_tensor* one = ggml_view_2d(c, down, down->ne[0], down->ne[2], down->nb[2], to_size(i) * down->nb[1]);
    sum = sum == nullptr ? one : ggml_add(c, sum, one);
  }
  return {chosen, gates, ggml_cont(c, sum)};
}

}  // namespace fissile::ggml_observer
