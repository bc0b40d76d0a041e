// Names as real files have them, one block of each family, and what they mean.
#include <fissile/file/names/gguf_names.hpp>
#include <fissile/file/names/hugging_face_names.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fissile {
namespace {

using enum model_part;

struct named {
  const char* name;
  tensor_place place;
};

tensor_place of_block(index_t layer, model_part part, ffn_owner owner = ffn_owner::block, index_t expert = -1) {
  return {.part = part, .layer = layer, .owner = owner, .expert = expert};
}
tensor_place bias_of(tensor_place place) {
  place.kind = tensor_kind::bias;
  return place;
}

TEST(names, of_gguf_files) {
  const std::vector<named> names{
      {"token_embd.weight", {.part = embedding}},
      {"output_norm.weight", {.part = output_norm}},
      {"output.weight", {.part = output}},
      {"rope_freqs.weight", {.part = rope_factors}},
      {"blk.0.attn_norm.weight", of_block(0, attention_norm)},
      {"blk.0.attn_q.weight", of_block(0, query)},
      {"blk.0.attn_q.bias", bias_of(of_block(0, query))},
      {"blk.0.attn_k.weight", of_block(0, key)},
      {"blk.0.attn_v.weight", of_block(0, value)},
      {"blk.27.attn_q_norm.weight", of_block(27, query_norm)},
      {"blk.27.attn_k_norm.weight", of_block(27, key_norm)},
      {"blk.0.attn_output.weight", of_block(0, attention_output)},
      {"blk.0.post_attention_norm.weight", of_block(0, post_attention_norm)},
      {"blk.0.ffn_norm.weight", of_block(0, ffn_norm)},
      {"blk.0.post_ffw_norm.weight", of_block(0, post_ffn_norm)},
      {"blk.0.ffn_gate.weight", of_block(0, gate)},
      {"blk.0.ffn_up.weight", of_block(0, up)},
      {"blk.0.ffn_down.weight", of_block(0, down)},
      {"blk.12.ffn_gate_inp.weight", of_block(12, router)},
      {"blk.12.ffn_gate.7.weight", of_block(12, gate, ffn_owner::expert, 7)},
      {"blk.12.ffn_gate_exps.weight", of_block(12, gate, ffn_owner::all_experts)},
      {"blk.12.ffn_up_exps.weight", of_block(12, up, ffn_owner::all_experts)},
      {"blk.12.ffn_down_exps.weight", of_block(12, down, ffn_owner::all_experts)},
      {"blk.12.ffn_gate_up_exps.weight", of_block(12, gate_up, ffn_owner::all_experts)},
      {"blk.12.ffn_gate_shexp.weight", of_block(12, gate, ffn_owner::shared)},
      {"blk.12.ffn_up_shexp.weight", of_block(12, up, ffn_owner::shared)},
      {"blk.12.ffn_down_shexp.weight", of_block(12, down, ffn_owner::shared)},
      {"blk.12.ffn_gate_inp_shexp.weight", of_block(12, shared_router)},
      {"blk.12.exp_probs_b.bias", bias_of(of_block(12, selection_bias))},
  };
  for (const named& one : names) {
    EXPECT_EQ(place_of_gguf_name(one.name), one.place) << one.name;
    EXPECT_EQ(place_of_hugging_face_name(one.name), std::nullopt) << one.name;
  }
}

TEST(names, of_hugging_face_files) {
  const std::vector<named> names{
      {"model.embed_tokens.weight", {.part = embedding}},
      {"model.norm.weight", {.part = output_norm}},
      {"lm_head.weight", {.part = output}},
      // LLaMA, Mistral, Qwen2 (biases), Qwen3 (norms)
      {"model.layers.0.input_layernorm.weight", of_block(0, attention_norm)},
      {"model.layers.0.self_attn.q_proj.weight", of_block(0, query)},
      {"model.layers.0.self_attn.q_proj.bias", bias_of(of_block(0, query))},
      {"model.layers.0.self_attn.k_proj.weight", of_block(0, key)},
      {"model.layers.0.self_attn.v_proj.bias", bias_of(of_block(0, value))},
      {"model.layers.0.self_attn.q_norm.weight", of_block(0, query_norm)},
      {"model.layers.0.self_attn.k_norm.weight", of_block(0, key_norm)},
      {"model.layers.0.self_attn.o_proj.weight", of_block(0, attention_output)},
      {"model.layers.0.post_attention_layernorm.weight", of_block(0, post_attention_norm)},
      {"model.layers.79.mlp.gate_proj.weight", of_block(79, gate)},
      {"model.layers.79.mlp.up_proj.weight", of_block(79, up)},
      {"model.layers.79.mlp.down_proj.weight", of_block(79, down)},
      {"model.layers.0.self_attn.rotary_emb.inv_freq", of_block(0, rope_factors)},
      // Gemma 2 and 3, the latter inside a model that also sees
      {"model.layers.0.pre_feedforward_layernorm.weight", of_block(0, ffn_norm)},
      {"language_model.model.layers.0.post_feedforward_layernorm.weight", of_block(0, post_ffn_norm)},
      {"model.language_model.layers.3.mlp.up_proj.weight", of_block(3, up)},
      {"language_model.lm_head.weight", {.part = output}},
      // Phi-3
      {"model.layers.0.self_attn.qkv_proj.weight", of_block(0, query_key_value)},
      {"model.layers.0.mlp.gate_up_proj.weight", of_block(0, gate_up)},
      // Mixtral
      {"model.layers.31.block_sparse_moe.gate.weight", of_block(31, router)},
      {"model.layers.31.block_sparse_moe.experts.0.w1.weight", of_block(31, gate, ffn_owner::expert, 0)},
      {"model.layers.31.block_sparse_moe.experts.7.w2.weight", of_block(31, down, ffn_owner::expert, 7)},
      {"model.layers.31.block_sparse_moe.experts.7.w3.weight", of_block(31, up, ffn_owner::expert, 7)},
      // Qwen2-MoE, Qwen3-MoE, DeepSeek
      {"model.layers.1.mlp.gate.weight", of_block(1, router)},
      {"model.layers.1.mlp.gate.e_score_correction_bias", bias_of(of_block(1, selection_bias))},
      {"model.layers.1.mlp.experts.127.gate_proj.weight", of_block(1, gate, ffn_owner::expert, 127)},
      {"model.layers.1.mlp.experts.127.up_proj.weight", of_block(1, up, ffn_owner::expert, 127)},
      {"model.layers.1.mlp.experts.127.down_proj.weight", of_block(1, down, ffn_owner::expert, 127)},
      {"model.layers.1.mlp.shared_expert.gate_proj.weight", of_block(1, gate, ffn_owner::shared)},
      {"model.layers.1.mlp.shared_expert_gate.weight", of_block(1, shared_router)},
      {"model.layers.1.mlp.shared_experts.down_proj.weight", of_block(1, down, ffn_owner::shared)},
      // all experts in one tensor, as version 5 of transformers holds them
      {"model.layers.1.mlp.experts.gate_up_proj", of_block(1, gate_up, ffn_owner::all_experts)},
      {"model.layers.1.mlp.experts.down_proj", of_block(1, down, ffn_owner::all_experts)},
  };
  for (const named& one : names) {
    EXPECT_EQ(place_of_hugging_face_name(one.name), one.place) << one.name;
    EXPECT_EQ(place_of_gguf_name(one.name), std::nullopt) << one.name;
  }
}

TEST(names, that_only_look_alike_are_not_known) {
  for (const char* name : {"",
                           "blk",
                           "blk.",
                           "blk.0",
                           "blk.0.",
                           "blk..ffn_up.weight",
                           "blk.-1.ffn_up.weight",
                           "blk.01.ffn_up.weight",
                           "blk.+1.ffn_up.weight",
                           "blk.1234567.ffn_up.weight",
                           "blk.99999999999999999999.ffn_up.weight",
                           "blk.0.ffn_up",
                           "blk.0.ffn_up.weights",
                           "blk.0.ffn_up.7.7.weight",
                           "blk.0.ffn_up..weight",
                           "blk.0.exp_probs_b.weight",
                           "blk.0.ffn_exp_probs_b.bias",
                           "xblk.0.ffn_up.weight",
                           "output_norm",
                           "ffn_up.weight",
                           "layers.0.mlp.up_proj.weight",
                           "model.layers.0.mlp.up_proj.weight_scale",
                           "model.layers.0.mlp.up_proj.qweight",
                           "model.layers.0.mlp.experts.up_proj.weight",
                           "model.layers.0.mlp.experts.1x.up_proj.weight",
                           "model.layers.0.mlp.experts.gate_up_proj_bias",
                           "model.vision_tower.blocks.0.mlp.up_proj.weight",
                           "model.layers.0.self_attn.q_a_proj.weight"}) {
    EXPECT_EQ(place_of_gguf_name(name), std::nullopt) << name;
    EXPECT_EQ(place_of_hugging_face_name(name), std::nullopt) << name;
  }
}

TEST(names, are_told_in_words) {
  EXPECT_EQ(to_string(of_block(3, up, ffn_owner::expert, 7)), "layer 3, expert 7: up");
  EXPECT_EQ(to_string(of_block(3, down, ffn_owner::shared)), "layer 3, shared experts: down");
  EXPECT_EQ(to_string(of_block(3, gate_up, ffn_owner::all_experts)), "layer 3, all experts: gate and up");
  EXPECT_EQ(to_string(bias_of(of_block(0, query))), "layer 0: query bias");
  EXPECT_EQ(to_string(tensor_place{.part = output_norm}), "output norm");
  EXPECT_EQ(name_of(post_ffn_norm), "post-ffn norm");  // the last one: the list of words is whole
}

}  // namespace
}  // namespace fissile
