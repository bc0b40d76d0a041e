// The numbers that say how large a LLaMA model is and how it was trained, from the keys of its file.
#pragma once

#include <fissile/base/index.hpp>
#include <fissile/file/gguf.hpp>

#include <string>
#include <string_view>

namespace fissile::engine {

/// Around its feed-forward layers each computes what a LLaMA does; `general.architecture` has these names.
enum class model_family {
  llama,   // dense, or a mixture that weighs experts by a softmax over the chosen
  glm4moe  // a mixture that weighs them by a sigmoid, beside shared experts; halves of rotated heads stand apart
};

constexpr std::string_view name_of(model_family family) noexcept {
  return family == model_family::llama ? "llama" : "glm4moe";
}

struct architecture {
  model_family family = model_family::llama;
  index_t context = 0;  // tokens it was trained to look back at, this one included
  index_t width = 0;    // of the residual stream
  index_t layers = 0;
  index_t neurons = 0;        // of each feed-forward layer, or of each expert of a mixture
  index_t experts = 0;        // of each layer of a mixture, to choose among; 0: a dense model
  index_t active = 0;         // of them, for each token
  index_t shared = 0;         // experts of the same size that work for every token; of glm4moe at least 1
  float expert_scale = 1.0f;  // what the weights of chosen experts are multiplied by
  index_t heads = 0;          // of queries
  index_t key_heads = 0;      // of keys and values; several query heads share one
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

/// The keys that say who works in a mixture. Refuses rules that this engine has not.
inline void read_mixture(const gguf_file& file, architecture& read) {
  const bool llama = read.family == model_family::llama;
  const std::string name = std::string{name_of(read.family)} + ".";
  const auto only = [&](const char* key, index_t value, const char* expected) {
    const auto got = file.get_or<index_t>(name + key, value);
    if (got != value) refuse(file, name + key, expected, std::to_string(got));
  };
  only("expert_gating_func", llama ? 1 : 2, llama ? "1, softmax" : "2, sigmoid");
  if (llama) return;
  only("leading_dense_block_count", 0, "0: experts in every layer");
  const auto groups = file.get_or<index_t>(name + "expert_group_count", 1);  // 0: none, which is one, too
  if (groups > 1) refuse(file, name + "expert_group_count", "1: a choice among all experts", std::to_string(groups));
  if (file.get_or(name + "expert_weights_norm", false)) refuse(file, name + "expert_weights_norm", "false", "true");
  const float scale = file.get_or(name + "expert_weights_scale", 1.0f);
  read.expert_scale = scale == 0 ? 1.0f : scale;  // as llama.cpp reads it
}

/// Refuses what this engine would silently compute wrongly.
inline architecture read_architecture(const gguf_file& file) {
  const auto family_name = file.get<std::string>("general.architecture");
  architecture read;
  if (family_name == name_of(model_family::glm4moe)) {
    read.family = model_family::glm4moe;
  } else if (family_name != name_of(model_family::llama)) {
    refuse(file, "general.architecture", "llama or glm4moe", family_name);
  }
  const std::string name = family_name + ".";
  const auto scaling = file.get_or<std::string>(name + "rope.scaling.type", "none");
  if (scaling != "none") refuse(file, name + "rope.scaling.type", "none", scaling);
  for (const char* key : {"rope.scaling.factor", "rope.scale_linear"}) {  // without a type they mean linear scaling
    const float factor = file.find(name + "rope.scaling.type") ? 1 : file.get_or(name + key, 1.0f);
    if (factor != 0 && factor != 1) refuse(file, name + key, "1: no scaling", std::to_string(factor));
  }
  // Far above any model, far below what overflows: a size from a file is multiplied with others.
  const auto size = [&](const char* key, index_t most = index_t{1} << 24) {
    const auto value = file.get<index_t>(name + key);
    if (value < 1 || value > most) refuse(file, name + key, "1 to " + std::to_string(most), std::to_string(value));
    return value;
  };
  const auto size_or = [&](const char* key, index_t most, index_t otherwise) {
    return file.find(name + key) ? size(key, most) : otherwise;
  };
  read.context = size("context_length");
  read.width = size("embedding_length");
  read.layers = size("block_count", 10000);
  read.heads = size("attention.head_count", read.width);
  read.key_heads = size_or("attention.head_count_kv", read.heads, read.heads);
  read.head_size = size_or("attention.key_length", index_t{1} << 24, read.width / read.heads);
  read.rotated = size_or("rope.dimension_count", read.head_size, read.head_size);
  read.rotation_base = file.get_or(name + "rope.freq_base", read.rotation_base);
  read.norm_epsilon = file.get_or(name + "attention.layer_norm_rms_epsilon", read.norm_epsilon);
  const auto value_length = file.get_or(name + "attention.value_length", read.head_size);
  if (value_length != read.head_size) {
    refuse(file, name + "attention.value_length", "the length of keys, " + std::to_string(read.head_size),
           std::to_string(value_length));
  }
  if (read.heads % read.key_heads != 0) {
    refuse(file, name + "attention.head_count_kv", "a divisor of head_count " + std::to_string(read.heads),
           std::to_string(read.key_heads));
  }
  if (read.rotated % 2 != 0) {
    refuse(file, name + "rope.dimension_count", "an even number", std::to_string(read.rotated));
  }
  const bool glm4moe = read.family == model_family::glm4moe;
  read.neurons = size(glm4moe ? "expert_feed_forward_length" : "feed_forward_length");
  if (glm4moe || file.get_or<index_t>(name + "expert_count", 0) != 0) {
    read.experts = size("expert_count", 65536);
    read.active = size("expert_used_count", read.experts);
    read.shared = glm4moe ? size("expert_shared_count", 65536) : 0;
    read_mixture(file, read);
  }
  return read;
}

}  // namespace fissile::engine
