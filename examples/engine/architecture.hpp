// The numbers that say how large a LLaMA model is and how it was trained, from the keys of its file.
#pragma once

#include <fissile/base/index.hpp>
#include <fissile/file/gguf.hpp>

#include <string>

namespace fissile::engine {

struct architecture {
  index_t context = 0;  // tokens it was trained to look back at, this one included
  index_t width = 0;    // of the residual stream
  index_t layers = 0;
  index_t neurons = 0;    // of each feed-forward layer, or of each expert of a mixture
  index_t experts = 0;    // of each layer of a mixture; 0: a dense model
  index_t active = 0;     // of them, for each token
  index_t heads = 0;      // of queries
  index_t key_heads = 0;  // of keys and values; several query heads share one
  index_t head_size = 0;
  index_t rotated = 0;  // numbers of a head that carry the position
  float rotation_base = 10000.0f;
  float norm_epsilon = 1e-5f;

  index_t key_width() const noexcept { return key_heads * head_size; }
  index_t query_width() const noexcept { return heads * head_size; }
};

[[noreturn]] inline void refuse(const gguf_file& file, std::string_view what, std::string expected, std::string got) {
  const std::string argument = file.path() + ": " + std::string{what};
  fail<file_error>({.argument = argument, .expected = std::move(expected), .got = std::move(got)});
}

/// Refuses what this engine would silently compute wrongly.
inline architecture read_architecture(const gguf_file& file) {
  const auto name = file.get<std::string>("general.architecture");
  if (name != "llama") refuse(file, "general.architecture", "llama", name);
  const auto scaling = file.get_or<std::string>("llama.rope.scaling.type", "none");
  if (scaling != "none") refuse(file, "llama.rope.scaling.type", "none", scaling);
  // Far above any model, far below what overflows: a size from a file is multiplied with others.
  const auto size = [&](const char* key, index_t most = index_t{1} << 24) {
    const auto value = file.get<index_t>(std::string{"llama."} + key);
    if (value < 1 || value > most) {
      refuse(file, std::string{"llama."} + key, "1 to " + std::to_string(most), std::to_string(value));
    }
    return value;
  };
  architecture read;
  read.context = size("context_length");
  read.width = size("embedding_length");
  read.layers = size("block_count", 10000);
  read.neurons = size("feed_forward_length");
  read.heads = size("attention.head_count", read.width);
  read.key_heads =
      file.find("llama.attention.head_count_kv") ? size("attention.head_count_kv", read.heads) : read.heads;
  read.head_size = file.find("llama.attention.key_length") ? size("attention.key_length") : read.width / read.heads;
  read.rotated =
      file.find("llama.rope.dimension_count") ? size("rope.dimension_count", read.head_size) : read.head_size;
  read.rotation_base = file.get_or("llama.rope.freq_base", read.rotation_base);
  read.norm_epsilon = file.get_or("llama.attention.layer_norm_rms_epsilon", read.norm_epsilon);
  if (file.get_or("llama.attention.value_length", read.head_size) != read.head_size) {
    refuse(file, "llama.attention.value_length", "the length of keys", "another");
  }
  if (read.heads % read.key_heads != 0) {
    refuse(file, "llama.attention.head_count_kv", "a divisor of head_count " + std::to_string(read.heads),
           std::to_string(read.key_heads));
  }
  if (file.get_or<index_t>("llama.expert_count", 0) != 0) {
    read.experts = size("expert_count", 65536);
    read.active = size("expert_used_count", read.experts);
    if (file.get_or<index_t>("llama.expert_gating_func", 1) != 1) {
      refuse(file, "llama.expert_gating_func", "1, softmax", "another");
    }
  }
  if (read.rotated % 2 != 0) {
    refuse(file, "llama.rope.dimension_count", "an even number", std::to_string(read.rotated));
  }
  return read;
}

}  // namespace fissile::engine
