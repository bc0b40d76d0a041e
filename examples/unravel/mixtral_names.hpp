// How a Mixtral model calls what a dense LLaMA model has, too, and the order of the rows of q and k that it shares with
// glm4moe.
#pragma once

#include <fissile/file/names/place.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace fissile::unravel {

/// What every block of a dense model has beside its feed-forward layer.
inline constexpr std::array mixtral_block_parts{
    model_part::attention_norm,   model_part::query,   model_part::key, model_part::value,
    model_part::attention_output, model_part::ffn_norm};

/// The name of a tensor of a dense LLaMA model that Mixtral has, too; nothing for others.
inline std::optional<std::string> mixtral_name(const tensor_place& place) {
  if (place.kind == tensor_kind::bias || place.owner != ffn_owner::block) return std::nullopt;
  const std::string layer = "model.layers." + std::to_string(place.layer) + ".";
  switch (place.part) {
    case model_part::embedding:
      return "model.embed_tokens.weight";
    case model_part::output_norm:
      return "model.norm.weight";
    case model_part::output:
      return "lm_head.weight";
    case model_part::attention_norm:
      return layer + "input_layernorm.weight";
    case model_part::query:
      return layer + "self_attn.q_proj.weight";
    case model_part::key:
      return layer + "self_attn.k_proj.weight";
    case model_part::value:
      return layer + "self_attn.v_proj.weight";
    case model_part::attention_output:
      return layer + "self_attn.o_proj.weight";
    case model_part::ffn_norm:
      return layer + "post_attention_layernorm.weight";
    default:
      return std::nullopt;
  }
}

/// For each row of q or k in Hugging Face's order, the row of llama.cpp's that it is: head h, half b, pair i stand at
/// h * size + b * size / 2 + i there and at h * size + 2 * i + b here.
inline std::vector<index_t> halves_apart(index_t rows, index_t head_size) {
  std::vector<index_t> order;
  for (index_t row = 0; row < rows; ++row) {
    const index_t in_head = row % head_size, half = in_head / (head_size / 2), pair = in_head % (head_size / 2);
    order.push_back(row - in_head + 2 * pair + half);
  }
  return order;
}

}  // namespace fissile::unravel
