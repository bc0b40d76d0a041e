// A model that was pruned by texts, in a new GGUF file: what changed is stored in the type it came in where that can be
// written, all else is copied. Zeros take as many bytes as other numbers; neurons that were cut out take none.
#pragma once

#include "prune_block.hpp"
#include "prune_file.hpp"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

inline bool writable(gguf_type type) noexcept {
  return type == gguf_type::f32 || type == gguf_type::f16 || type == gguf_type::bf16;
}

/// The numbers as a tensor of this type holds them, rounded to nearest; `type` is writable.
inline std::string stored_as(gguf_type type, const std::vector<float>& numbers) {
  std::string bytes;
  const auto append = [&](auto number) { bytes.append(reinterpret_cast<const char*>(&number), sizeof number); };
  for (const float number : numbers) {
    if (type == gguf_type::f32) append(number);
    if (type == gguf_type::f16) append(to_f16(number));
    if (type == gguf_type::bf16) append(to_bf16(number));
  }
  return bytes;
}

/// A matrix of a block that was changed, and its shape by now.
struct changed_matrix {
  const std::vector<float>* numbers = nullptr;
  index_t rows = 0, columns = 0;
};

/// The matrix of a tensor's name ("ffn_down"), or nothing where pruning left it as it was. `ffn`: of the block.
inline changed_matrix find_changed(std::string_view name, const changed_block& block, const owned_ffn<float>& ffn,
                                   const pruned_layer_report& report) {
  const bool cut = !report.kept_neurons.empty() && name.starts_with("ffn_");
  const bool masked = std::any_of(report.matrices.begin(), report.matrices.end(),
                                  [&](const masked_matrix& one) { return one.name == name; });
  if (!cut && !masked) return {};
  const auto of = [](const std::vector<float>& numbers, index_t rows) {
    return changed_matrix{&numbers, rows, length(numbers) / rows};
  };
  if (name == "ffn_gate") return of(ffn.gate, ffn.neurons);
  if (name == "ffn_up") return of(ffn.up, ffn.neurons);
  if (name == "ffn_down") return of(ffn.down, ffn.width);
  if (name == "attn_q") return {&block.query, length(block.query) / ffn.width, ffn.width};
  if (name == "attn_k") return {&block.key, length(block.key) / ffn.width, ffn.width};
  if (name == "attn_v") return {&block.value, length(block.value) / ffn.width, ffn.width};
  if (name == "attn_output") return of(block.output, ffn.width);
  return {};
}

/// "blk.3.ffn_down.weight" is {3, "ffn_down"}; layer -1 for tensors of no block.
inline std::pair<index_t, std::string_view> place_of(std::string_view tensor) {
  const auto place = place_of_gguf_name(tensor);
  if (!place || place->layer < 0 || place->kind == tensor_kind::bias) return {-1, {}};
  constexpr std::string_view after = ".weight";
  const std::size_t before = tensor.find('.', 4) + 1;
  return {place->layer, tensor.substr(before, tensor.size() - before - after.size())};
}

/// The target appears whole or not at all. Throws file_error where it would replace the model, setting_error where
/// widths should be equal and are not.
inline prune_outcome write_pruned(const pruned_model& done, const std::string& target,
                                  layer_widths rule = layer_widths::padded) {
  const gguf_file& file = done.model.base().file();
  check_targets({file.path()}, {{"--out", target}});
  const index_t layers = done.model.layers();
  prune_outcome told{.report = done.report.cost, .width_before = done.model.sizes().neurons};
  std::vector<index_t> left;
  for (index_t layer = 0; layer < layers; ++layer) left.push_back(done.model.ffn(layer).neurons());
  const std::vector<index_t> widths = written_widths(left, rule);
  told.width_after = *std::max_element(widths.begin(), widths.end());
  std::deque<owned_ffn<float>> ffns;
  for (std::size_t layer = 0; layer < widths.size(); ++layer) {
    const owned_ffn<float>& ffn = done.model.changed(static_cast<index_t>(layer)).ffn;
    told.padded_layers += ffn.neurons < widths[layer] ? 1 : 0;
    ffns.push_back(padded(ffn, widths[layer]));
  }

  gguf_writer out;
  set_keys(out, file, widths, rule);
  out.set("fissile.pruned", done.report.plan);
  std::deque<std::string> stored;  // borrowed by `out`
  std::vector<char> widened(to_size(layers), 0);
  for (const gguf_tensor& tensor : file.tensors()) {
    const auto [layer, name] = place_of(tensor.name);
    const changed_matrix found = layer < 0 ? changed_matrix{}
                                           : find_changed(name, done.model.changed(layer), ffns[to_size(layer)],
                                                          done.report.layers[to_size(layer)]);
    if (found.numbers == nullptr) {
      out.copy(file, tensor.name);
      continue;
    }
    gguf_tensor shape = tensor;
    shape.extents = {found.columns, found.rows, 1, 1};
    if (!writable(tensor.type)) {
      shape.type = gguf_type::f32;
      widened[to_size(layer)] = 1;
    }
    out.add(shape, stored.emplace_back(stored_as(shape.type, *found.numbers)));
  }
  told.widened_layers = std::count(widened.begin(), widened.end(), char{1});
  out.save(target);
  weigh_files(told, file.path(), target);
  return told;
}

}  // namespace fissile::unravel
