// What llama.cpp wants of a file: which architecture can hold the experts of a dense one, and the limits that are
// checked before any work.
#pragma once

#include "convert_cut.hpp"
#include "convert_glm4moe.hpp"

#include <fissile/file/gguf.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fissile::unravel {

/// A dense architecture and the mixture that computes the same around other feed-forward layers.
struct moe_recipe {
  std::string_view from, to;          // of general.architecture, and what keys begin with
  std::string_view expert_width_key;  // without the architecture
  weighing weights = weighing::softmax;
};

inline constexpr std::array<moe_recipe, 3> moe_recipes{
    {{"llama", "llama", "feed_forward_length"},
     {"qwen3", "qwen3moe", "expert_feed_forward_length"},
     {"llama", "glm4moe", "expert_feed_forward_length", weighing::sigmoid}}};

/// Throws file_error for a file that is no dense model of an architecture that has a mixture of this kind.
inline const moe_recipe& recipe_for(const gguf_file& file, weighing weights) {
  const auto name = file.get<std::string>("general.architecture");
  const auto refuse = [&](std::string_view what, std::string expected, std::string got) {
    const std::string argument = file.path() + ": " + std::string{what};
    fail<file_error>({.argument = argument, .expected = std::move(expected), .got = std::move(got)});
  };
  for (const moe_recipe& recipe : moe_recipes) {
    if (name != recipe.from || weights != recipe.weights) continue;
    if (file.get_or<index_t>(name + ".expert_count", 0) != 0)
      refuse(name + ".expert_count", "a dense model", "a mixture");
    for (const gguf_tensor& tensor : file.tensors()) {
      if (tensor.name.find(".ffn_") == tensor.name.npos || tensor.name.ends_with(".weight")) continue;
      refuse(tensor.name, "feed-forward layers without biases", "one");  // no mixture of llama.cpp adds them
    }
    if (weights == weighing::sigmoid) check_glm4moe(file);
    return recipe;
  }
  refuse("general.architecture",
         weights == weighing::softmax ? "llama (LLaMA, Mistral) or qwen3" : "llama (LLaMA, Mistral), for --shared",
         name);
  return moe_recipes.front();
}

inline moe_sizes sizes_of(const gguf_file& file) {
  const auto name = file.get<std::string>("general.architecture") + ".";
  return {.layers = file.get<index_t>(name + "block_count"),
          .width = file.get<index_t>(name + "embedding_length"),
          .neurons = file.get<index_t>(name + "feed_forward_length")};
}

/// Experts of equal size whose width is a multiple of `block`, from 2 to what llama.cpp can hold.
inline std::vector<index_t> fitting_counts(index_t neurons, index_t block) {
  std::vector<index_t> counts;
  for (index_t experts = 2; experts <= std::min<index_t>(512, neurons); ++experts) {
    if (neurons % experts == 0 && neurons / experts % block == 0) counts.push_back(experts);
  }
  return counts;
}

/// The most experts of a token that llama.cpp has memory for. A graph has room for 8 nodes a tensor of the file, at
/// least 1024; a layer takes two for each expert and 44 or 45 more. Nodes and weights together have to fit into a hash
/// table of the next size that ggml has. The constants were found by trying: docs/convert.md.
/// tensors: of the dense file.
inline index_t most_active(index_t layers, index_t tensors, weighing weights) noexcept {
  const bool softmax = weights == weighing::softmax;
  const index_t nodes = std::max<index_t>(1024, 8 * (tensors + (softmax ? 1 : 5) * layers));
  index_t table = 1031;
  for (const index_t larger : {2053, 4099, 8209, 16411, 32771}) table = nodes > table ? larger : table;
  const index_t by_nodes = softmax ? nodes - 24 - 44 * layers : nodes - 15 - 45 * layers;
  const index_t by_table = softmax ? table - 11 - 56 * layers : table - 16 - 61 * layers;
  return std::max<index_t>(1, std::min(by_nodes, by_table) / (2 * layers));
}

struct moe_counts {
  index_t experts = 0;  // of a layer, all of one size
  index_t active = 0;   // for each token, of those that are not shared
  index_t shared = 0;   // of them, for every token

  index_t routed() const noexcept { return experts - shared; }
};

/// The type that down weights are written in: as asked for, or as they are stored.
inline gguf_type down_type_of(const gguf_file& file, std::optional<gguf_type> asked, index_t layer) {
  return asked ? *asked : file.tensor(ffn_tensor(layer, "down")).type;
}

/// Throws setting_error with numbers that would do, where llama.cpp could not run the file.
inline void check_counts(const gguf_file& file, const moe_counts& counts, std::optional<gguf_type> down) {
  const moe_sizes sizes = sizes_of(file);
  const auto refuse = [](const char* what, std::string expected, index_t got, std::string cure) {
    fail<setting_error>({.argument = what, .expected = std::move(expected), .got = std::to_string(got), .cure = cure});
  };
  index_t block = 1;
  std::string type = "one number";
  for (index_t layer = 0; layer < sizes.layers; ++layer) {
    const gguf_type stored = down_type_of(file, down, layer);
    if (static_cast<index_t>(layout_of(stored).block) <= block) continue;
    block = static_cast<index_t>(layout_of(stored).block);
    type = to_string(stored);
  }
  const std::vector<index_t> fitting = fitting_counts(sizes.neurons, block);
  if (std::find(fitting.begin(), fitting.end(), counts.experts) == fitting.end()) {
    std::string list;
    for (const index_t count : fitting) list += (list.empty() ? "" : ", ") + std::to_string(count);
    refuse(
        "--experts",
        "a number of experts of equal size from 2 to 512" +
            (block > 1 ? ", whole blocks of " + std::to_string(block) + " neurons for down weights in " + type : "") +
            ": of " + std::to_string(sizes.neurons) + " neurons " + (list.empty() ? "none" : list),
        counts.experts, block > 1 ? "or write down weights in another type: --down bf16" : "");
  }
  if (counts.shared < 0 || counts.routed() < 2) {
    refuse("--shared", "at least two of " + std::to_string(counts.experts) + " experts left to choose among",
           counts.shared, "");
  }
  if (counts.active < 1 || counts.active > counts.routed()) {
    refuse("--active", "from 1 to " + std::to_string(counts.routed()), counts.active, "");
  }
  const weighing weights = counts.shared > 0 ? weighing::sigmoid : weighing::softmax;
  const index_t most = most_active(sizes.layers, length(file.tensors()), weights);
  if (counts.active > most) {
    refuse("--active",
           "at most " + std::to_string(most) + " in " + std::to_string(sizes.layers) +
               " layers, what the graph of llama.cpp has room for",
           counts.active, "take fewer and larger experts");
  }
}

}  // namespace fissile::unravel
