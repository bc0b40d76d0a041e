// How GGUF files call the tensors of a transformer: "blk.3.ffn_up.weight" (llama.cpp, src/llama-arch.cpp).
#pragma once

#include <fissile/file/names/pattern.hpp>

namespace fissile {

/// Nothing for a name that is not known.
inline std::optional<tensor_place> place_of_gguf_name(std::string_view name) {
  using names_detail::pattern;
  using enum model_part;
  constexpr auto one = ffn_owner::expert, all = ffn_owner::all_experts, shared = ffn_owner::shared;
  static constexpr pattern whole[] = {
      {"token_embd", embedding}, {"output_norm", output_norm}, {"output", output}, {"rope_freqs", rope_factors}};
  static constexpr pattern of_block[] = {{"attn_norm", attention_norm},
                                         {"attn_q", query},
                                         {"attn_k", key},
                                         {"attn_v", value},
                                         {"attn_qkv", query_key_value},
                                         {"attn_q_norm", query_norm},
                                         {"attn_k_norm", key_norm},
                                         {"attn_output", attention_output},
                                         {"post_attention_norm", post_attention_norm},
                                         {"ffn_norm", ffn_norm},
                                         {"ffn_gate_inp", router},
                                         {"exp_probs_b", selection_bias},
                                         {"ffn_gate", gate},
                                         {"ffn_up", up},
                                         {"ffn_down", down},
                                         {"ffn_gate.#", gate, one},  // before experts were stacked
                                         {"ffn_up.#", up, one},
                                         {"ffn_down.#", down, one},
                                         {"ffn_gate_exps", gate, all},
                                         {"ffn_up_exps", up, all},
                                         {"ffn_down_exps", down, all},
                                         {"ffn_gate_up_exps", gate_up, all},
                                         {"ffn_gate_shexp", gate, shared},
                                         {"ffn_up_shexp", up, shared},
                                         {"ffn_down_shexp", down, shared},
                                         {"ffn_gate_inp_shexp", shared_router},
                                         {"post_ffw_norm", post_ffn_norm},
                                         {"rope_freqs", rope_factors}};
  const auto kind = names_detail::take_kind(name);
  if (!kind) return std::nullopt;
  std::optional<tensor_place> place;
  if (names_detail::take(name, "blk.")) {
    const auto layer = names_detail::take_number(name);
    if (layer && names_detail::take(name, ".")) place = names_detail::find(of_block, name, *layer);
  } else {
    place = names_detail::find(whole, name, -1);
  }
  if (place) place->kind = *kind;
  // What is a bias by its meaning is one by its name, too.
  if (place && place->part == selection_bias && *kind == tensor_kind::weight) return std::nullopt;
  return place;
}

}  // namespace fissile
