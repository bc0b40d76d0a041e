// A Mixtral model computes what the dense one did, by plain code that knows nothing of how it was made.
#include "plain_mixtral.hpp"
#include "samples.hpp"

#include <unravel/convert_hf.hpp>

#include <engine/engine.hpp>

#include <fissile/partition/shuffled.hpp>

#include <gtest/gtest.h>

namespace {

using namespace fissile;
using namespace fissile::unravel;
using namespace fissile::testing;

/// tiny_model with heads that are rotated as a whole, as Mixtral's are.
class mixtral_source {
public:
  explicit mixtral_source(gguf_type type = gguf_type::f32) {
    tiny_model model{type};
    model.out.set("llama.rope.dimension_count", static_cast<std::uint32_t>(tiny_model::head_size));
    model.out.save(path());
    file.emplace(path());
  }
  std::string path() const { return directory / "tiny.gguf"; }
  std::string folder() const { return directory / "mixtral"; }

  temporary_directory directory;
  std::optional<gguf_file> file;
};

moe_plan random_plan(index_t experts, index_t active) {
  random_source random{11};
  moe_plan plan{.experts = experts, .active = active, .layers = {}, .made = "drawn"};
  for (index_t layer = 0; layer < tiny_model::layers; ++layer) {
    moe_layer& one = plan.layers.emplace_back(
        moe_layer{.split = shuffled{.seed = static_cast<std::uint64_t>(layer)}.split(tiny_model::neurons, experts),
                  .eps = 0.01f});
    if (active == experts) continue;
    for (index_t i = 0; i < experts * tiny_model::width; ++i) {
      one.router.push_back(static_cast<float>(random.normal()));
    }
  }
  return plan;
}

TEST(mixtral_folders, all_experts_on_are_the_dense_model) {
  const mixtral_source source;
  const engine::model<float> dense{source.path()};
  engine::session read{dense};
  engine::dense_feed_forward ffn{dense};
  const std::vector<engine::token_id> tokens{1, 70, 40, 200, 41, 7};
  read(tokens, ffn);
  const vector_view<const float> expected = read.last_logits();
  const moe_plan plan = random_plan(4, 4);
  mixtral_folder{*source.file, plan}.save(source.folder());
  const double_row got = plain_mixtral{source.folder()}.logits({tokens.begin(), tokens.end()});
  ASSERT_EQ(length(got), expected.length());
  for (index_t i = 0; i < expected.length(); ++i) EXPECT_NEAR(got[to_size(i)], expected[i], 2e-5);
}

TEST(mixtral_folders, every_tensor_is_that_of_the_source) {
  for (const gguf_type type : {gguf_type::f32, gguf_type::f16, gguf_type::bf16, gguf_type::q8_0}) {
    const mixtral_source source{type};
    const moe_plan plan = random_plan(8, 2);
    mixtral_folder made{*source.file, plan};
    const mixtral_outcome done = made.save(source.folder());
    EXPECT_EQ(done.down.relative(), 0) << to_string(type);  // 2 is a power of two
    EXPECT_EQ(done.others.relative(), 0);
    const safetensors_model model{source.folder()};
    EXPECT_TRUE(name_tensors(model).unknown().empty());
    EXPECT_EQ(model.names().size(), 2 + tiny_model::layers * (6 + 1 + 8 * 3));
    EXPECT_EQ(model.read_floats("model.embed_tokens.weight"), source.file->read_floats("token_embd.weight"));
    EXPECT_EQ(model.read_floats("model.norm.weight"), source.file->read_floats("output_norm.weight"));
    for (index_t layer = 0; layer < tiny_model::layers; ++layer) {
      const std::string from = "blk." + std::to_string(layer) + ".", to = "model.layers." + std::to_string(layer) + ".";
      const moe_layer& one = plan.layers[to_size(layer)];
      EXPECT_EQ(model.read_floats(to + "self_attn.v_proj.weight"), source.file->read_floats(from + "attn_v.weight"));
      EXPECT_EQ(model.read_floats(to + "block_sparse_moe.gate.weight"), one.written_router(tiny_model::width));
      const std::string stored = type == gguf_type::q8_0 ? "F32" : to_string(type);
      for (index_t e = 0; e < 8; ++e) {
        const std::string expert = to + "block_sparse_moe.experts." + std::to_string(e) + ".";
        EXPECT_EQ(model.tensor(expert + "w2.weight").type, stored);
        EXPECT_EQ(model.tensor(expert + "w2.weight").shape, (std::vector<index_t>{tiny_model::width, 8}));
        const auto gate = model.read_floats(expert + "w1.weight"), up = model.read_floats(expert + "w3.weight"),
                   down = model.read_floats(expert + "w2.weight");
        const auto old_gate = source.file->read_floats(from + "ffn_gate.weight"),
                   old_up = source.file->read_floats(from + "ffn_up.weight"),
                   old_down = source.file->read_floats(from + "ffn_down.weight");
        for (index_t i = 0; i < 8; ++i) {
          const index_t neuron = one.split.expert(e)[i];
          for (index_t c = 0; c < tiny_model::width; ++c) {
            const std::size_t new_row = to_size(i * tiny_model::width + c),
                              old = to_size(neuron * tiny_model::width + c);
            ASSERT_EQ(gate[new_row], old_gate[old]);
            ASSERT_EQ(up[new_row], old_up[old]);
            ASSERT_EQ(down[to_size(c * 8 + i)], 2 * old_down[to_size(c * tiny_model::neurons + neuron)]);
          }
        }
      }
    }
  }
}

/// As llama.cpp's converter goes the other way: reshape to [heads, 2, half, columns], swap the middle two.
TEST(mixtral_folders, rows_of_q_and_k_are_in_hugging_faces_order) {
  const mixtral_source source;
  const moe_plan plan = random_plan(4, 4);
  mixtral_folder{*source.file, plan}.save(source.folder());
  const safetensors_model model{source.folder()};
  for (const auto& [theirs, ours, heads] : {std::tuple{"self_attn.q_proj", "attn_q", tiny_model::heads},
                                            std::tuple{"self_attn.k_proj", "attn_k", tiny_model::key_heads}}) {
    const auto hf = model.read_floats("model.layers.1." + std::string{theirs} + ".weight");
    const auto gguf = source.file->read_floats("blk.1." + std::string{ours} + ".weight");
    std::size_t at = 0;
    for (index_t h = 0; h < heads; ++h) {
      for (index_t i = 0; i < tiny_model::head_size / 2; ++i) {
        for (index_t half = 0; half < 2; ++half) {
          for (index_t c = 0; c < tiny_model::width; ++c) {
            const index_t r = h * tiny_model::head_size + half * tiny_model::head_size / 2 + i;
            ASSERT_EQ(gguf[at++], hf[to_size(r * tiny_model::width + c)]);
          }
        }
      }
    }
  }
}

TEST(mixtral_folders, another_type_is_rounded_and_told) {
  const mixtral_source source;
  const moe_plan plan = random_plan(8, 3);
  mixtral_folder made{*source.file, plan, {.as = gguf_type::bf16, .shard_bytes = 8192}};
  const mixtral_outcome done = made.save(source.folder());
  EXPECT_GT(done.down.relative(), 0);
  EXPECT_LT(done.down.relative(), 1.0 / 256);
  EXPECT_GT(done.others.relative(), 0);
  EXPECT_GT(done.paths.size(), 4u);  // shards, their index, config.json
  const safetensors_model model{source.folder()};
  EXPECT_EQ(model.tensor("model.layers.0.self_attn.q_proj.weight").type, "BF16");
  EXPECT_EQ(model.tensor("model.norm.weight").type, "F32");
  EXPECT_EQ(model.tensor("model.layers.0.block_sparse_moe.gate.weight").type, "F32");
  const json_value config = read_json(source.folder() + "/config.json");
  EXPECT_EQ(config.at("model_type"), "mixtral");
  EXPECT_EQ(config.at("torch_dtype"), "bfloat16");
  EXPECT_EQ(config.at("intermediate_size"), 8);
  EXPECT_EQ(config.at("num_local_experts"), 8);
  EXPECT_EQ(config.at("num_experts_per_tok"), 3);
  EXPECT_EQ(config.at("tie_word_embeddings"), true);
  EXPECT_EQ(config.at("eos_token_id"), 2);
  EXPECT_EQ(config.at("rms_norm_eps"), 1e-5);
  EXPECT_EQ(config.at("rope_theta"), 10000.0);
}

TEST(mixtral_folders, what_mixtral_cannot_compute_is_refused) {
  const mixtral_source source;
  const auto refused = [&](const std::string& path, const moe_plan& plan, mixtral_settings chosen = {}) {
    const gguf_file file{path};
    return message_of<fissile::error>([&] { mixtral_folder{file, plan, chosen}; });
  };
  const model_file half_rotated;
  expect_says(refused(half_rotated.path(), random_plan(4, 4)), {"rope.dimension_count"});
  expect_says(refused(source.path(), random_plan(4, 4), {.as = gguf_type::q8_0}), {"one of the first three"});
  moe_plan short_plan = random_plan(4, 4);
  short_plan.layers.pop_back();
  expect_says(refused(source.path(), short_plan), {"moe_plan: layers"});

  tiny_model extra;
  extra.out.set("llama.rope.dimension_count", static_cast<std::uint32_t>(tiny_model::head_size));
  extra.add("blk.0.attn_q.bias", 1, tiny_model::width);
  extra.out.save(source.directory / "extra.gguf");
  expect_says(refused(source.directory / "extra.gguf", random_plan(4, 4)), {"attn_q.bias", "Mixtral has not"});
  const gguf_file whole{source.path()};
  gguf_writer fewer;
  fewer.copy_entries(whole);
  for (const gguf_tensor& one : whole.tensors()) {
    if (one.name != "blk.1.attn_k.weight") fewer.copy(whole, one.name);
  }
  fewer.save(source.directory / "fewer.gguf");
  expect_says(refused(source.directory / "fewer.gguf", random_plan(4, 4)), {"fewer.gguf", "layer 1: key"});
  EXPECT_FALSE(std::filesystem::exists(source.folder()));
}

}  // namespace
