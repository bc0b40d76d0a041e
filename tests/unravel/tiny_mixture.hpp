// The tiny model with a mixture of random experts in place of each feed-forward layer, as llama.cpp stacks them.
#pragma once

#include "samples.hpp"

#include <unravel/convert_blocks.hpp>

#include <deque>
#include <string>
#include <vector>

namespace fissile::testing {

class tiny_mixture {
public:
  static constexpr index_t experts = 6, active = 2, neurons = 32;  // of each expert

  /// Changed by a test before `save`.
  gguf_writer out;

  explicit tiny_mixture(gguf_type type = gguf_type::f32) : dense_(whole_.path()) {
    out.copy_entries(dense_);
    out.set("llama.feed_forward_length", static_cast<std::uint32_t>(neurons));
    out.set("llama.expert_count", static_cast<std::uint32_t>(experts));
    out.set("llama.expert_used_count", static_cast<std::uint32_t>(active));
    for (const gguf_tensor& tensor : dense_.tensors()) {
      if (tensor.name.find("ffn_gate") != tensor.name.npos) add_layer(tensor.name.substr(0, 6), type);
      if (tensor.name.find("ffn_") == tensor.name.npos || tensor.name.find("norm") != tensor.name.npos) {
        out.copy(dense_, tensor.name);
      }
    }
  }
  void save() const { out.save(path()); }
  std::string path() const { return whole_.directory() / "mixture.gguf"; }
  const temporary_directory& directory() const noexcept { return whole_.directory(); }

private:
  void add_layer(std::string_view block, gguf_type type) {
    add(std::string{block} + "ffn_gate_inp.weight", gguf_type::f32, {tiny_model::width, experts, 1});
    add(std::string{block} + "ffn_gate_exps.weight", type, {tiny_model::width, neurons, experts});
    add(std::string{block} + "ffn_up_exps.weight", type, {tiny_model::width, neurons, experts});
    add(std::string{block} + "ffn_down_exps.weight", type, {neurons, tiny_model::width, experts});
  }
  void add(const std::string& name, gguf_type type, std::array<index_t, 3> extents) {
    std::vector<float> numbers(to_size(extents[0] * extents[1] * extents[2]));
    for (float& x : numbers) x = static_cast<float>(random_.normal() / 4);
    std::string& bytes = data_.emplace_back();
    unravel::rounding_error ignored;
    unravel::append_stored(type, vector_view<const float>{numbers}, bytes, ignored);
    out.add({.name = name,
             .type = type,
             .extents = {extents[0], extents[1], extents[2], 1},
             .dimensions = extents[2] > 1 ? 3u : 2u},
            bytes);
  }

  model_file whole_;
  gguf_file dense_;
  random_source random_{12};
  std::deque<std::string> data_;  // borrowed by `out`
};

}  // namespace fissile::testing
