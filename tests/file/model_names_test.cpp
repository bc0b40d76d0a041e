#include <fissile/file/model_names.hpp>

#include <fissile/file/gguf.hpp>
#include <fissile/file/safetensors.hpp>

#include "shared_model.hpp"
#include "temporary.hpp"

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

std::string with_numbers(std::string text, index_t layer, index_t expert) {
  for (const auto& [mark, number] : {std::pair{'N', layer}, std::pair{'E', expert}}) {
    const std::size_t at = text.find(mark);
    if (at != text.npos) text.replace(at, 1, std::to_string(number));
  }
  return text;
}

/// The names of a model: N is a layer's number, E an expert's.
std::vector<std::string> names_of_model(index_t layers, index_t experts, const std::vector<std::string>& patterns) {
  std::vector<std::string> names{"model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"};
  for (index_t layer = 0; layer < layers; ++layer) {
    for (const std::string& one : patterns) {
      const bool each = one.find('E') != one.npos;
      for (index_t expert = 0; expert < (each ? experts : 1); ++expert) {
        names.push_back(with_numbers(one, layer, expert));
      }
    }
  }
  return names;
}

const std::vector<std::string> attention{
    "model.layers.N.input_layernorm.weight",  "model.layers.N.post_attention_layernorm.weight",
    "model.layers.N.self_attn.q_proj.weight", "model.layers.N.self_attn.k_proj.weight",
    "model.layers.N.self_attn.v_proj.weight", "model.layers.N.self_attn.o_proj.weight"};

std::vector<std::string> beside_attention(std::vector<std::string> patterns) {
  patterns.insert(patterns.begin(), attention.begin(), attention.end());
  return patterns;
}

TEST(model_names, mixtral) {
  const model_names names{names_of_model(32, 8,
                                         beside_attention({"model.layers.N.block_sparse_moe.gate.weight",
                                                           "model.layers.N.block_sparse_moe.experts.E.w1.weight",
                                                           "model.layers.N.block_sparse_moe.experts.E.w2.weight",
                                                           "model.layers.N.block_sparse_moe.experts.E.w3.weight"}))};
  EXPECT_EQ(names.layers(), 32);
  EXPECT_TRUE(names.unknown().empty());
  EXPECT_TRUE(names.has_experts(31));
  EXPECT_FALSE(names.has_stacked_experts(31));
  EXPECT_EQ(names.separate_experts(31), 8);
  EXPECT_EQ(names.ffn(31, ffn_owner::expert, 7),
            (ffn_names{.gate = "model.layers.31.block_sparse_moe.experts.7.w1.weight",
                       .up = "model.layers.31.block_sparse_moe.experts.7.w3.weight",
                       .down = "model.layers.31.block_sparse_moe.experts.7.w2.weight"}));
  EXPECT_EQ(names.ffn_norm(0), "model.layers.0.post_attention_layernorm.weight");
  expect_says(message_of<file_error>([&] { names.ffn(0); }),
              {"model: layer 0: gate: expected a tensor for it, got none", "the first part or the index"});
  EXPECT_THROW(names.ffn(31, ffn_owner::expert, 8), file_error);
}

TEST(model_names, deepseek_with_a_dense_layer_first) {
  std::vector<std::string> list = names_of_model(
      3, 64,
      beside_attention({"model.layers.N.mlp.gate.weight", "model.layers.N.mlp.experts.E.gate_proj.weight",
                        "model.layers.N.mlp.experts.E.up_proj.weight", "model.layers.N.mlp.experts.E.down_proj.weight",
                        "model.layers.N.mlp.shared_experts.gate_proj.weight",
                        "model.layers.N.mlp.shared_experts.up_proj.weight",
                        "model.layers.N.mlp.shared_experts.down_proj.weight"}));
  std::erase_if(list, [](const std::string& name) { return name.starts_with("model.layers.0.mlp"); });
  for (const char* part : {"gate", "up", "down"}) {
    list.push_back("model.layers.0.mlp." + std::string{part} + "_proj.weight");
  }
  const model_names names{list};
  EXPECT_FALSE(names.has_experts(0));
  EXPECT_EQ(names.separate_experts(0), 0);
  EXPECT_EQ(names.ffn(0).up, "model.layers.0.mlp.up_proj.weight");
  EXPECT_TRUE(names.has_experts(1));
  EXPECT_EQ(names.separate_experts(2), 64);
  EXPECT_EQ(names.ffn(2, ffn_owner::shared).down, "model.layers.2.mlp.shared_experts.down_proj.weight");
}

TEST(model_names, fused_experts) {
  const model_names names{
      names_of_model(2, 0,
                     beside_attention({"model.layers.N.mlp.gate.weight", "model.layers.N.mlp.experts.gate_up_proj",
                                       "model.layers.N.mlp.experts.down_proj"}))};
  EXPECT_TRUE(names.has_stacked_experts(1));
  EXPECT_EQ(names.ffn(1, ffn_owner::all_experts), (ffn_names{.gate = {},
                                                             .up = {},
                                                             .down = "model.layers.1.mlp.experts.down_proj",
                                                             .gate_up = "model.layers.1.mlp.experts.gate_up_proj"}));
}

TEST(model_names, the_norm_before_the_feed_forward_layer) {
  const std::string after = "model.layers.0.post_attention_layernorm.weight",
                    before = "model.layers.0.pre_feedforward_layernorm.weight",
                    behind = "model.layers.0.post_feedforward_layernorm.weight";
  EXPECT_EQ((model_names{{after}}).ffn_norm(0), after);                   // LLaMA, Qwen
  EXPECT_EQ((model_names{{after, before, behind}}).ffn_norm(0), before);  // Gemma 2
  EXPECT_THROW((model_names{{after, behind}}).ffn_norm(0), file_error);   // OLMo 2 has none
  EXPECT_EQ((model_names{{"blk.0.post_attention_norm.weight"}}).ffn_norm(0), "blk.0.post_attention_norm.weight");
  EXPECT_EQ((model_names{{"blk.0.ffn_norm.weight", "blk.0.post_attention_norm.weight"}}).ffn_norm(0),
            "blk.0.ffn_norm.weight");
}

TEST(model_names, what_is_not_known_is_listed) {
  const model_names names{{"blk.0.ffn_up.weight", "blk.0.ssm_a", "mystery", "blk.0.ffn_down.weight"}, "a.gguf"};
  EXPECT_EQ(names.unknown(), (std::vector<std::string>{"blk.0.ssm_a", "mystery"}));
  EXPECT_EQ(names.layers(), 1);
  expect_says(message_of<file_error>([&] { names.ffn(0); }),
              {"a.gguf: layer 0: gate", "one of the 2 names", "\"blk.0.ssm_a\""});
  expect_says(message_of<file_error>([] {
                (model_names{{"encoder.0.w"}, "b"}).ffn(0);
              }),
              {"b: layer 0: gate", "neither as Hugging Face's nor as llama.cpp's"});
  expect_says(
      message_of<file_error>([] {
        model_names{{"model.layers.0.mlp.up_proj.weight", "blk.0.ffn_up.weight"}, "c"};
      }),
      {"c: blk.0.ffn_up.weight: expected one tensor for layer 0: up", "model.layers.0.mlp.up_proj.weight, too"});
}

TEST(model_names, of_every_reader) {
  const testing::temporary_directory directory;
  const std::vector<float> numbers(4);
  safetensors_writer torch;
  gguf_writer gguf;
  for (const char* part : {"gate", "up", "down"}) {
    torch.add("model.layers.0.mlp." + std::string{part} + "_proj.weight", vector_view<const float>{numbers});
    gguf.add("blk.0.ffn_" + std::string{part} + ".weight", vector_view<const float>{numbers});
  }
  torch.save(directory / "model.safetensors");
  gguf.save(directory / "model.gguf");
  EXPECT_EQ(name_tensors(safetensors_file{directory / "model.safetensors"}).ffn(0).gate,
            "model.layers.0.mlp.gate_proj.weight");
  EXPECT_EQ(name_tensors(safetensors_model{directory / ""}).ffn(0).down, "model.layers.0.mlp.down_proj.weight");
  EXPECT_EQ(name_tensors(gguf_model{directory / "model.gguf"}).ffn(0).down, "blk.0.ffn_down.weight");
  const gguf_file file{directory / "model.gguf"};
  expect_says(message_of<file_error>([&] { name_tensors(file).ffn(1); }), {file.path(), "layer 1: gate"});
}

TEST(model_names, of_a_real_model) {
  FISSILE_NEEDS_MODEL(path, "stories260K.gguf");
  const model_names names = name_tensors(gguf_file{path});
  EXPECT_EQ(names.layers(), 5);
  EXPECT_TRUE(names.unknown().empty());
  for (index_t layer = 0; layer < 5; ++layer) {
    EXPECT_FALSE(names.has_experts(layer));
    EXPECT_EQ(names.ffn_norm(layer), "blk." + std::to_string(layer) + ".ffn_norm.weight");
    EXPECT_EQ(names.ffn(layer).gate, "blk." + std::to_string(layer) + ".ffn_gate.weight");
  }
}

}  // namespace
}  // namespace fissile
