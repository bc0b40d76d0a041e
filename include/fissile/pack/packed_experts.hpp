// Packed experts: the one copy in the library, weights laid out as the kernels stream them.
#pragma once

#include <fissile/pack/arena.hpp>
#include <fissile/pack/kernel/tile_table.hpp>
#include <fissile/pack/panel_layout.hpp>
#include <fissile/partition/partition.hpp>

#include <string>
#include <utility>
#include <vector>

namespace fissile {

/// How inputs and weights are multiplied.
enum class products {
  exact,    // inputs are float, weights are widened to float
  bf16_dot  // inputs and hidden activations are rounded to bf16, sums are float; only for weights stored as bf16
};

struct pack_settings {
  instruction_set instructions = best_instruction_set();
  fissile::products products = products::exact;
  /// int8: how many neighbouring weights share a scale: 32, 64, 128, 256, or 0 for all that enter one sum (all features
  /// of a neuron; all neurons of the expert, for an output).
  index_t weights_per_scale = 0;
};

/// One expert's panels.
template <packed_element T>
struct expert_panels {
  panel_layout<T> layout;
  const std::byte* data;    // input panels, then output panels
  const float* input_bias;  // [columns of the input panels], or null
  const std::byte* input(index_t panel) const noexcept { return data + panel * layout.in.panel_bytes(); }
  const std::byte* output(index_t panel) const noexcept {
    return data + layout.in.bytes() + panel * layout.out.panel_bytes();
  }
};

/// Made by `pack`; owns its memory, so the weights it was made from may go. Moves, does not copy.
template <packed_element T, arena_allocator Allocator = huge_pages>
class packed_experts {
public:
  using element_type = T;

  /// An arena of the right size, not yet filled; for `pack`.
  packed_experts(index_t width, bool gated, partition experts, pack_settings settings)
      : width_(width), gated_(gated), settings_(settings), experts_(std::move(experts)), arena_(place()) {
    if constexpr (std::same_as<T, bf16>) {
      if (settings.products == products::bf16_dot) {
        tiles_ = kernel::tiles_for<kernel::rounded_inputs>(settings.instructions);
        return;
      }
    }
    tiles_ = kernel::tiles_for<T>(settings.instructions);
  }

  index_t width() const noexcept { return width_; }
  bool gated() const noexcept { return gated_; }
  const partition& experts() const noexcept { return experts_; }
  const pack_settings& settings() const noexcept { return settings_; }
  /// Of the arena, padding included.
  index_t bytes() const noexcept { return arena_.bytes(); }
  vector_view<const float> down_bias() const noexcept { return down_bias_; }

  panel_layout<T> layout(index_t e) const noexcept {
    return {width_, experts_.size(e), gated_, settings_.weights_per_scale};
  }
  expert_panels<T> panels(index_t e) const noexcept {
    return {layout(e), arena_.data() + begin_[to_size(e)],
            input_bias_.empty() ? nullptr : input_bias_.data() + bias_begin_[to_size(e)]};
  }
  const kernel::tile_table& tiles() const noexcept { return tiles_; }

  // What follows is for `pack`.

  std::byte* memory(index_t e) noexcept { return arena_.data() + begin_[to_size(e)]; }
  /// [columns of expert e's input panels], zero until written; made when first asked for.
  float* input_bias(index_t e) {
    if (input_bias_.empty()) input_bias_.resize(to_size(bias_begin_.back()));
    return input_bias_.data() + bias_begin_[to_size(e)];
  }
  void set_down_bias(std::vector<float> bias) noexcept { down_bias_ = std::move(bias); }

private:
  /// Where each expert begins; returns the bytes of all.
  index_t place() {
    for (index_t e = 0; e < experts_.experts(); ++e) {
      const panel_layout<T> shape = layout(e);
      begin_.push_back(begin_.back() + shape.bytes());
      bias_begin_.push_back(bias_begin_.back() + shape.in.columns);
    }
    return begin_.back();
  }

  index_t width_;
  bool gated_;
  pack_settings settings_;
  partition experts_;
  std::vector<index_t> begin_ = {0};       // [experts + 1]: bytes
  std::vector<index_t> bias_begin_ = {0};  // [experts + 1]: columns
  arena<Allocator> arena_;
  std::vector<float> input_bias_, down_bias_;
  kernel::tile_table tiles_;
};

/// panel_storage: experts as panels, which `sparse_ffn` runs by the tile kernels. Satisfied by packed_experts.
// clang-format off
template <class S>
concept panel_storage = requires(const S& storage, index_t e) {
  requires packed_element<typename S::element_type>;
  { storage.width() } noexcept -> std::same_as<index_t>;
  { storage.gated() } noexcept -> std::same_as<bool>;
  { storage.experts() } noexcept -> std::same_as<const partition&>;
  { storage.panels(e) } noexcept -> std::same_as<expert_panels<typename S::element_type>>;
  { storage.down_bias() } noexcept -> std::same_as<vector_view<const float>>;
  { storage.settings() } noexcept -> std::same_as<const pack_settings&>;
  { storage.tiles() } noexcept -> std::same_as<const kernel::tile_table&>;
};
// clang-format on

}  // namespace fissile
