// pack and unpack: from borrowed weights to panels, and back.
//
//   auto experts = pack(ffn, split);                          // the type the weights are stored in
//   auto smaller = pack<int8>(ffn, split, {.weights_per_scale = 64});
//   auto dense   = pack(ffn);                                 // the whole layer as one expert
//
// Each layer is packed by itself: a model that fills more than half of the memory is packed layer by layer, giving up
// each layer's weights (an unmapped or forgotten part of a file) before the next.
#pragma once

#include <fissile/pack/packed_experts.hpp>
#include <fissile/pack/panel_writer.hpp>
#include <fissile/partition/borrowed_experts.hpp>
#include <fissile/weights/owned_ffn.hpp>

namespace fissile {

/// Throws setting_error unless these settings can be honoured here.
template <packed_element T>
void check_settings(const pack_settings& settings) {
  check_available(settings.instructions, "pack");
  if (settings.products == products::bf16_dot && !std::same_as<T, bf16>) {
    fail<setting_error>({.argument = "pack: products",
                         .expected = "products::exact for weights that are not stored as bf16",
                         .got = "products::bf16_dot",
                         .cure = "pack<bf16> rounds the weights, too"});
  }
  const index_t together = settings.weights_per_scale;
  if (together != 0 && (!std::same_as<T, int8> || together < 32 || block_terms<T> % together != 0)) {
    fail<setting_error>(
        {.argument = "pack: weights_per_scale",
         .expected = std::same_as<T, int8> ? "32, 64, 128, 256, or 0 for all of a sum" : "0: only int8 has scales",
         .got = std::to_string(together)});
  }
}

namespace detail {

/// The bias of neuron `neuron` in column order, into the columns of one input panel.
template <element T>
void write_input_bias(const expert_view<T>& expert, index_t first, index_t count, index_t neurons_per_panel,
                      float* columns) {
  const bool gated = expert.ffn.gated();
  for (index_t j = 0; j < count; ++j) {
    const index_t neuron = expert.neurons[first + j];
    if (gated && !expert.ffn.gate_bias.empty()) columns[j] = static_cast<float>(expert.ffn.gate_bias[neuron]);
    if (!expert.ffn.up_bias.empty()) {
      columns[gated ? neurons_per_panel + j : j] = static_cast<float>(expert.ffn.up_bias[neuron]);
    }
  }
}

template <packed_element T, element From>
void pack_expert(const expert_view<From>& expert, const panel_layout<T>& layout, std::byte* memory, float* input_bias) {
  const ffn_weights<From>& ffn = expert.ffn;
  const index_t neurons = expert.neurons.length();
  const index_t at_once = layout.neurons_per_panel;
  for (index_t panel = 0; panel < layout.in.panels(); ++panel) {
    const index_t first = panel * at_once;
    const index_t count = std::min(at_once, neurons - first);
    const auto weight_at = [&](index_t term, index_t column) {
      const bool up = !ffn.gated() || column >= at_once;
      const index_t j = column % at_once;
      return j >= count ? From{} : (up ? ffn.up : ffn.gate)(expert.neurons[first + j], term);
    };
    write_panel(layout.in, kernel::panel_columns, weight_at, memory + panel * layout.in.panel_bytes());
    if (input_bias != nullptr) {
      write_input_bias(expert, first, count, at_once, input_bias + panel * kernel::panel_columns);
    }
  }
  for (index_t panel = 0; panel < layout.out.panels(); ++panel) {
    const index_t first = panel * kernel::panel_columns;
    const auto weight_at = [&](index_t term, index_t column) { return ffn.down(first + column, expert.neurons[term]); };
    write_panel(layout.out, std::min<index_t>(kernel::panel_columns, ffn.width() - first), weight_at,
                memory + layout.in.bytes() + panel * layout.out.panel_bytes());
  }
}

}  // namespace detail

/// What experts stored as `From` are packed as, when nothing is said: as they are.
struct as_stored {};
template <class To, class From>
using packed_as = std::conditional_t<std::same_as<To, as_stored>, From, To>;

/// Copies the experts of any storage into panels of `To`. Throws setting_error where the settings cannot be honoured,
/// and std::bad_alloc without memory.
template <class To = as_stored, arena_allocator Allocator = huge_pages, expert_storage Storage>
requires packed_element<packed_as<To, typename Storage::element_type>>
auto pack(const Storage& storage, pack_settings settings = {}) {
  using T = packed_as<To, typename Storage::element_type>;
  check_settings<T>(settings);
  const auto first = storage.expert(0).ffn;
  packed_experts<T, Allocator> packed(storage.width(), first.gated(), storage.experts(), settings);
  const bool biased = !first.gate_bias.empty() || !first.up_bias.empty();
  for (index_t e = 0; e < storage.experts().experts(); ++e) {
    detail::pack_expert(storage.expert(e), packed.layout(e), packed.memory(e), biased ? packed.input_bias(e) : nullptr);
  }
  const auto down_bias = storage.down_bias();
  packed.set_down_bias({down_bias.begin(), down_bias.end()});
  return packed;
}
/// Of a layer and its partition.
template <class To = as_stored, arena_allocator Allocator = huge_pages, element From>
requires packed_element<packed_as<To, From>>
auto pack(ffn_weights<From> ffn, partition experts, pack_settings settings = {}) {
  return pack<To, Allocator>(borrow(ffn, std::move(experts)), settings);
}
/// Of a mixture that is stacked already.
template <class To = as_stored, arena_allocator Allocator = huge_pages, element From>
requires packed_element<packed_as<To, From>>
auto pack(stacked_ffn_weights<From> stack, pack_settings settings = {}) {
  return pack<To, Allocator>(borrow(stack), settings);
}
/// Of the whole layer as one expert: the dense layer at the speed of the panels.
template <class To = as_stored, arena_allocator Allocator = huge_pages, element From>
requires packed_element<packed_as<To, From>>
auto pack(ffn_weights<From> ffn, pack_settings settings = {}) {
  return pack<To, Allocator>(ffn, even_slices{}.split(ffn, 1), settings);
}

/// The weights as a layer again, neurons where they were: the very bits for float, bf16 and f16, dequantised for int8.
template <packed_element T, arena_allocator Allocator>
owned_ffn<unpacked_element<T>> unpack(const packed_experts<T, Allocator>& packed) {
  const partition& split = packed.experts();
  const index_t width = packed.width(), neurons = split.neurons();
  owned_ffn<unpacked_element<T>> ffn;
  ffn.width = width;
  ffn.neurons = neurons;
  if (packed.gated()) ffn.gate.resize(to_size(neurons * width));
  ffn.up.resize(to_size(neurons * width));
  ffn.down.resize(to_size(neurons * width));
  ffn.down_bias.assign(packed.down_bias().begin(), packed.down_bias().end());
  for (index_t e = 0; e < split.experts(); ++e) {
    const expert_panels<T> panels = packed.panels(e);
    const panel_layout<T>& layout = panels.layout;
    if (panels.input_bias != nullptr) {
      if (packed.gated()) ffn.gate_bias.resize(to_size(neurons));
      ffn.up_bias.resize(to_size(neurons));
    }
    for (index_t j = 0; j < split.size(e); ++j) {
      const index_t neuron = split.expert(e)[j];
      const index_t panel = j / layout.neurons_per_panel, column = j % layout.neurons_per_panel;
      const index_t up = packed.gated() ? column + layout.neurons_per_panel : column;
      for (index_t i = 0; i < width; ++i) {
        const index_t at = neuron * width + i;
        if (packed.gated()) ffn.gate[to_size(at)] = read_weight(layout.in, panels.input(panel), i, column);
        ffn.up[to_size(at)] = read_weight(layout.in, panels.input(panel), i, up);
        ffn.down[to_size(i * neurons + neuron)] =
            read_weight(layout.out, panels.output(i / kernel::panel_columns), j, i % kernel::panel_columns);
      }
      if (panels.input_bias == nullptr) continue;
      const float* bias = panels.input_bias + panel * kernel::panel_columns;
      if (packed.gated()) ffn.gate_bias[to_size(neuron)] = bias[column];
      ffn.up_bias[to_size(neuron)] = bias[up];
    }
  }
  return ffn;
}

}  // namespace fissile
