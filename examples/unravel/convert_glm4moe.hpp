// A LLaMA as llama.cpp's architecture glm4moe: the same blocks under other names, whose experts are weighed by a
// sigmoid and stand beside shared ones. It rotates the two halves of a head where LLaMA rotates neighbours, so rows of
// q and k change their order.
#pragma once

#include "mixtral_names.hpp"
#include "moe_plan.hpp"

#include <engine/architecture.hpp>

#include <fissile/file/gguf.hpp>
#include <fissile/file/model_names.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fissile::unravel {

/// What a tensor of a dense LLaMA is called there; nothing for what glm4moe has not: biases, rope factors.
inline std::optional<std::string> glm4moe_name(std::string_view name) {
  const auto place = place_of_gguf_name(name);
  if (!place || place->kind == tensor_kind::bias || place->owner != ffn_owner::block) return std::nullopt;
  switch (place->part) {
    case model_part::ffn_norm:
      return "blk." + std::to_string(place->layer) + ".post_attention_norm.weight";
    case model_part::embedding:
    case model_part::output_norm:
    case model_part::output:
    case model_part::attention_norm:
    case model_part::query:
    case model_part::key:
    case model_part::value:
    case model_part::attention_output:
    case model_part::gate:
    case model_part::up:
    case model_part::down:
      return std::string{name};
    default:
      return std::nullopt;
  }
}

/// For each row of q or k there, the row of a LLaMA's that it is; nothing for other tensors.
inline std::optional<std::vector<index_t>> glm4moe_rows(const gguf_tensor& tensor, const engine::architecture& sizes) {
  const auto place = place_of_gguf_name(tensor.name);
  if (!place || (place->part != model_part::query && place->part != model_part::key)) return std::nullopt;
  const std::vector<index_t> one = halves_apart(sizes.rotated, sizes.rotated);
  std::vector<index_t> order;
  for (index_t row = 0; row < tensor.rows(); ++row) {
    const index_t in_head = row % sizes.head_size;
    order.push_back(in_head < sizes.rotated ? row - in_head + one[to_size(in_head)] : row);
  }
  return order;
}

/// Throws file_error for a LLaMA that glm4moe cannot hold.
inline void check_glm4moe(const gguf_file& file) {
  static_cast<void>(engine::read_architecture(file));
  for (const gguf_tensor& tensor : file.tensors()) {
    if (glm4moe_name(tensor.name)) continue;
    engine::refuse(file, tensor.name, "a plain LLaMA model, for --shared", "a tensor that glm4moe has not");
  }
}

/// The keys that only this architecture has. 2 sigmoid(0) is 1.
inline void set_glm4moe_keys(gguf_writer& out, index_t shared) {
  const std::string name = "glm4moe.";
  out.set(name + "expert_shared_count", static_cast<std::uint32_t>(shared));
  out.set(name + "leading_dense_block_count", std::uint32_t{0});
  out.set(name + "expert_gating_func", std::uint32_t{2});  // a sigmoid
  out.set(name + "expert_weights_norm", false);
  out.set(name + "expert_weights_scale", 2.0f);
}

}  // namespace fissile::unravel
