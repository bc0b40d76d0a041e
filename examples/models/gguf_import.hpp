// Training goes on from a GGUF file: one that this program wrote, f16 matrices widened to float.
#pragma once

#include <fissile/file/gguf.hpp>

#include <torch/torch.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gguf_names.hpp"

namespace fissile::examples {

// Throws std::runtime_error where the file's model is not of these settings.
inline void check_same_model(const gguf_file& file, const llama_settings& settings) {
  const auto refuse = [&](const std::string& what, const std::string& expected, const std::string& got) {
    throw std::runtime_error(file.path() + ": " + what + ": expected " + expected + ", got " + got +
                             "; give the settings that the file was trained with");
  };
  const auto architecture = file.get<std::string>("general.architecture");
  if (architecture != "llama") refuse("general.architecture", "llama", architecture);
  const std::pair<const char*, std::int64_t> numbers[] = {{"llama.context_length", settings.context},
                                                          {"llama.embedding_length", settings.width},
                                                          {"llama.block_count", settings.layers},
                                                          {"llama.feed_forward_length", settings.neurons},
                                                          {"llama.attention.head_count", settings.heads},
                                                          {"llama.attention.head_count_kv", settings.heads},
                                                          {"llama.rope.dimension_count", settings.head_size()}};
  for (const auto& [key, expected] : numbers) {
    const auto got = file.get<std::int64_t>(key);
    if (got != expected) refuse(key, std::to_string(expected), std::to_string(got));
  }
}

// The model's weights become the file's; all or, where the file is refused, perhaps some of them.
inline void read_gguf(llama_module& model, const std::string& path) {
  const gguf_file file{path};
  check_same_model(file, model.settings);
  const auto weights = named_weights(model);
  if (file.tensors().size() != weights.size()) {
    throw std::runtime_error(path + ": expected " + std::to_string(weights.size()) + " tensors, got " +
                             std::to_string(file.tensors().size()));
  }
  for (const auto& [name, weight] : weights) {
    const auto& stored = file.tensor(name);
    const std::int64_t rows = weight.dim() == 1 ? 1 : weight.size(0);
    if (stored.rows() != rows || stored.columns() != weight.size(-1)) {
      throw std::runtime_error(path + ": " + name + ": expected [" + std::to_string(rows) + " x " +
                               std::to_string(weight.size(-1)) + "], got [" + std::to_string(stored.rows()) + " x " +
                               std::to_string(stored.columns()) + "]");
    }
    auto numbers = file.read_floats(name);
    weight.copy_(torch::from_blob(numbers.data(), weight.sizes()));
  }
}

}  // namespace fissile::examples
