// A LLaMA model of a few thousand random numbers, written to a file: the engine is tested where no real model is.
#pragma once

#include <fissile/base/random.hpp>
#include <fissile/file/gguf.hpp>

#include "../file/temporary.hpp"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

namespace fissile::testing {

/// All sizes differ from each other, and two query heads share a key head.
class tiny_model {
public:
  static constexpr index_t width = 32, neurons = 64, layers = 2, heads = 4, key_heads = 2, head_size = 8, rotated = 4;
  static constexpr index_t context = 24, words = 3 + 256;

  /// Changed or left out by a test before `save`.
  gguf_writer out;

  explicit tiny_model(gguf_type ffn_type = gguf_type::f32, std::uint64_t seed = 7) : random_(seed) {
    set_keys();
    add("token_embd.weight", words, width);
    add("output_norm.weight", 1, width);
    for (index_t layer = 0; layer < layers; ++layer) {
      const std::string block = "blk." + std::to_string(layer) + ".";
      add(block + "attn_norm.weight", 1, width);
      add(block + "attn_q.weight", heads * head_size, width);
      add(block + "attn_k.weight", key_heads * head_size, width);
      add(block + "attn_v.weight", key_heads * head_size, width);
      add(block + "attn_output.weight", width, heads * head_size);
      add(block + "ffn_norm.weight", 1, width);
      add(block + "ffn_gate.weight", neurons, width, ffn_type);
      add(block + "ffn_up.weight", neurons, width, ffn_type);
      add(block + "ffn_down.weight", width, neurons, ffn_type);
    }
  }

  void add(const std::string& name, index_t rows, index_t columns, gguf_type type = gguf_type::f32) {
    std::vector<float> numbers(to_size(rows * columns));
    for (float& x : numbers) {
      x = static_cast<float>(random_.normal() / std::sqrt(static_cast<double>(columns)));
      if (rows == 1) x += 1;  // a norm
    }
    gguf_tensor shape{.name = name, .type = type, .dimensions = rows == 1 ? 1u : 2u};
    shape.extents = {columns, rows, 1, 1};
    out.add(shape, data_.emplace_back(stored(numbers, type)));
  }

private:
  static std::string stored(const std::vector<float>& numbers, gguf_type type) {
    std::string bytes;
    const auto append = [&](auto x) { bytes.append(reinterpret_cast<const char*>(&x), sizeof x); };
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (type == gguf_type::f32) append(numbers[i]);
      if (type == gguf_type::f16) append(to_f16(numbers[i]));
      if (type == gguf_type::bf16) append(to_bf16(numbers[i]));
      if (type == gguf_type::q8_0 && i % 32 == 0) append(to_f16(0.01f));
      if (type == gguf_type::q8_0) append(static_cast<std::int8_t>(std::lround(numbers[i] / 0.01f) % 128));
    }
    return bytes;
  }

  void set_keys() {
    out.set("general.architecture", "llama");
    const auto set = [&](const char* key, index_t value) {
      out.set(std::string{"llama."} + key, static_cast<std::uint32_t>(value));
    };
    set("context_length", context);
    set("embedding_length", width);
    set("block_count", layers);
    set("feed_forward_length", neurons);
    set("attention.head_count", heads);
    set("attention.head_count_kv", key_heads);
    set("rope.dimension_count", rotated);
    out.set("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    std::vector<std::string> texts{"<unk>", "<s>", "</s>"};
    std::vector<std::int32_t> kinds{2, 3, 3};
    for (unsigned byte = 0; byte < 256; ++byte) {
      char text[8];
      std::snprintf(text, sizeof text, "<0x%02X>", byte);
      texts.emplace_back(text);
      kinds.push_back(6);
    }
    out.set("tokenizer.ggml.model", "llama");
    out.set("tokenizer.ggml.tokens", texts);
    out.set("tokenizer.ggml.token_type", kinds);
    out.set("tokenizer.ggml.scores", std::vector<float>(texts.size(), 0.0f));
    out.set("tokenizer.ggml.bos_token_id", std::uint32_t{1});
    out.set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
  }

  random_source random_;
  std::deque<std::string> data_;  // borrowed by `out`
};

}  // namespace fissile::testing
