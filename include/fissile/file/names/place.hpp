// Where in a transformer a tensor belongs, whatever a file calls it.
#pragma once

#include <fissile/base/index.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace fissile {

enum class model_part : std::uint8_t {
  embedding,
  output_norm,
  output,
  rope_factors,  // frequencies that the file brings along
  // of a block, in the order in which a token meets them
  attention_norm,
  query,
  key,
  value,
  query_key_value,  // one above the other
  query_norm,
  key_norm,
  attention_output,
  post_attention_norm,  // of what attention adds, or, where a block has no other, the norm before the feed-forward
                        // layer
  ffn_norm,             // before the feed-forward layer
  router,
  selection_bias,  // added to the router's scores when experts are chosen, not when they are weighed
  gate,
  up,
  down,
  gate_up,  // gate above up
  shared_router,
  post_ffn_norm,
};

/// Whose gate, up and down.
enum class ffn_owner : std::uint8_t { block, expert, all_experts, shared };

enum class tensor_kind : std::uint8_t { weight, bias };

struct tensor_place {
  model_part part = {};
  index_t layer = -1;                  // -1: of no block
  ffn_owner owner = ffn_owner::block;  // of gate, up, down and gate_up
  index_t expert = -1;                 // of ffn_owner::expert
  tensor_kind kind = tensor_kind::weight;

  friend bool operator==(const tensor_place&, const tensor_place&) = default;
  friend auto operator<=>(const tensor_place&, const tensor_place&) = default;
};

inline std::string_view name_of(model_part part) noexcept {
  constexpr std::string_view names[] = {"embedding",
                                        "output norm",
                                        "output",
                                        "rope factors",
                                        "attention norm",
                                        "query",
                                        "key",
                                        "value",
                                        "query, key and value",
                                        "query norm",
                                        "key norm",
                                        "attention output",
                                        "post-attention norm",
                                        "ffn norm",
                                        "router",
                                        "selection bias",
                                        "gate",
                                        "up",
                                        "down",
                                        "gate and up",
                                        "shared router",
                                        "post-ffn norm"};
  return names[static_cast<std::size_t>(part)];
}

/// "layer 3, expert 7: up", for messages.
inline std::string to_string(const tensor_place& place) {
  std::string text = place.layer < 0 ? "" : "layer " + std::to_string(place.layer);
  if (place.owner == ffn_owner::expert) text += ", expert " + std::to_string(place.expert);
  if (place.owner == ffn_owner::all_experts) text += ", all experts";
  if (place.owner == ffn_owner::shared) text += ", shared experts";
  if (!text.empty()) text += ": ";
  return text + std::string{name_of(place.part)} + (place.kind == tensor_kind::bias ? " bias" : "");
}

}  // namespace fissile
