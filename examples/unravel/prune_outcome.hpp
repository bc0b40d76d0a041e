// What pruning a file came to, and the checks around it: an input is never replaced, and what was written is read
// again.
#pragma once

#include <engine/model.hpp>

#include <fissile/file/gguf.hpp>
#include <fissile/prune/prune_report.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "targets.hpp"

namespace fissile::unravel {

struct prune_outcome {
  prune_report report = {};  // of the neurons that matter
  index_t width_before = 0;  // neurons a layer, in the files; the most of any layer
  index_t width_after = 0;
  index_t padded_layers = 0;                                  // layers with zero neurons at their end
  index_t widened_layers = 0;                                 // layers whose type could not be written, now F32
  std::uint64_t parameters_before = 0, parameters_after = 0;  // of the whole files
  std::uint64_t bytes_before = 0, bytes_after = 0;
};

/// Loads a dense model that the engine runs, which refuses what is wrong. Mixtures are only cut, and may be too large
/// to be widened.
inline void check_loads(const gguf_model& file) {
  const bool dense = file.get_or<index_t>("llama.expert_count", 0) == 0;
  if (dense && file.get<std::string>("general.architecture") == "llama") engine::model<float>{file.path()};
}

/// Loads what was written, and weighs both files.
inline void weigh_files(prune_outcome& done, const std::string& before, const std::string& after) {
  const auto weigh = [](const gguf_model& model, std::uint64_t& parameters, std::uint64_t& bytes) {
    for (const gguf_tensor& tensor : model.tensors()) parameters += static_cast<std::uint64_t>(tensor.count());
    for (const gguf_file& file : model.files()) bytes += std::filesystem::file_size(file.path());
  };
  const gguf_model written{after};
  check_loads(written);
  weigh(gguf_model{before}, done.parameters_before, done.bytes_before);
  weigh(written, done.parameters_after, done.bytes_after);
}

}  // namespace fissile::unravel
