// How Hugging Face calls the tensors of a transformer: "model.layers.3.mlp.up_proj.weight" (transformers, models/*).
#pragma once

#include <fissile/file/names/pattern.hpp>

namespace fissile {

/// Nothing for a name that is not known. Of LLaMA, Qwen2 and 3, Mistral, Gemma and Phi-3, and the mixtures of Mixtral,
/// Qwen and DeepSeek; also as the language part of a larger model.
inline std::optional<tensor_place> place_of_hugging_face_name(std::string_view name) {
  using names_detail::pattern;
  using enum model_part;
  constexpr auto one = ffn_owner::expert, all = ffn_owner::all_experts, shared = ffn_owner::shared;
  static constexpr pattern of_block[] = {{"input_layernorm", attention_norm},
                                         {"self_attn.q_proj", query},
                                         {"self_attn.k_proj", key},
                                         {"self_attn.v_proj", value},
                                         {"self_attn.qkv_proj", query_key_value},
                                         {"self_attn.q_norm", query_norm},
                                         {"self_attn.k_norm", key_norm},
                                         {"self_attn.o_proj", attention_output},
                                         {"post_attention_layernorm", post_attention_norm},
                                         {"pre_feedforward_layernorm", ffn_norm},
                                         {"post_feedforward_layernorm", post_ffn_norm},
                                         {"mlp.gate_proj", gate},
                                         {"mlp.up_proj", up},
                                         {"mlp.down_proj", down},
                                         {"mlp.gate_up_proj", gate_up},
                                         {"block_sparse_moe.gate", router},
                                         {"block_sparse_moe.experts.#.w1", gate, one},
                                         {"block_sparse_moe.experts.#.w2", down, one},
                                         {"block_sparse_moe.experts.#.w3", up, one},
                                         {"mlp.gate", router},
                                         {"mlp.experts.#.gate_proj", gate, one},
                                         {"mlp.experts.#.up_proj", up, one},
                                         {"mlp.experts.#.down_proj", down, one},
                                         {"mlp.shared_expert.gate_proj", gate, shared},
                                         {"mlp.shared_expert.up_proj", up, shared},
                                         {"mlp.shared_expert.down_proj", down, shared},
                                         {"mlp.shared_experts.gate_proj", gate, shared},
                                         {"mlp.shared_experts.up_proj", up, shared},
                                         {"mlp.shared_experts.down_proj", down, shared},
                                         {"mlp.shared_expert_gate", shared_router}};
  // Without ".weight": parameters that are no layers of their own.
  static constexpr pattern bare[] = {{"mlp.experts.gate_up_proj", gate_up, all},
                                     {"mlp.experts.down_proj", down, all},
                                     {"mlp.gate.e_score_correction_bias", selection_bias},
                                     {"block_sparse_moe.e_score_correction_bias", selection_bias},
                                     {"self_attn.rotary_emb.inv_freq", rope_factors}};
  static constexpr pattern whole[] = {{"embed_tokens", embedding}, {"norm", output_norm}};

  if (name == "lm_head.weight" || name == "language_model.lm_head.weight") return tensor_place{.part = output};
  const bool inside = names_detail::take(name, "model.language_model.") ||
                      names_detail::take(name, "language_model.model.") || names_detail::take(name, "model.");
  if (!inside) return std::nullopt;
  index_t layer = -1;
  if (names_detail::take(name, "layers.")) {
    const auto number = names_detail::take_number(name);
    if (!number || !names_detail::take(name, ".")) return std::nullopt;
    layer = *number;
    if (auto place = names_detail::find(bare, name, layer)) {
      if (place->part == selection_bias) place->kind = tensor_kind::bias;
      return place;
    }
  }
  const auto kind = names_detail::take_kind(name);
  if (!kind) return std::nullopt;
  auto place = layer < 0 ? names_detail::find(whole, name, layer) : names_detail::find(of_block, name, layer);
  if (place) place->kind = *kind;
  return place;
}

}  // namespace fissile
