// A verdict carried out on a file: the same model with narrower feed-forward layers, or, where it is a mixture, fewer
// experts, in a new GGUF file.
#pragma once

#include "ffn_tensor.hpp"
#include "prune_experts.hpp"
#include "prune_outcome.hpp"
#include "prune_widths.hpp"

#include <engine/model.hpp>

#include <fissile/file/verdict_json.hpp>
#include <fissile/prune/apply.hpp>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace fissile::unravel {

enum class layer_storage { as_it_was, widened_to_f32 };

/// A layer on its way from one file to another, in the element type that it is written in.
struct pruned_layer {
  std::variant<owned_ffn<float>, owned_ffn<f16>, owned_ffn<bf16>> ffn;
  prune_report report;
  layer_storage storage = layer_storage::as_it_was;

  index_t neurons() const {
    return std::visit([](const auto& one) { return one.neurons; }, ffn);
  }
};

template <gguf_element T>
pruned_layer prune_as(const gguf_file& file, const saved_verdict& saved, index_t layer) {
  const ffn_weights<T> ffn{.gate = file.view<T>(ffn_tensor(layer, "gate")),
                           .up = file.view<T>(ffn_tensor(layer, "up")),
                           .down = file.view<T>(ffn_tensor(layer, "down"))};
  auto smaller = apply(ffn, saved.partitions[to_size(layer)], saved.decided, layer);
  return {.ffn = std::move(smaller.ffn), .report = smaller.report, .storage = layer_storage::as_it_was};
}

/// A layer of one type that is written as such stays of it; Q8_0, and layers of mixed types, become F32.
inline pruned_layer prune_layer(const engine::model<float>& weights, const saved_verdict& saved, index_t layer) {
  const gguf_file& file = weights.file();
  const gguf_type type = file.tensor(ffn_tensor(layer, "up")).type;
  const bool same =
      file.tensor(ffn_tensor(layer, "gate")).type == type && file.tensor(ffn_tensor(layer, "down")).type == type;
  if (same && type == gguf_type::f32) return prune_as<float>(file, saved, layer);
  if (same && type == gguf_type::f16) return prune_as<f16>(file, saved, layer);
  if (same && type == gguf_type::bf16) return prune_as<bf16>(file, saved, layer);
  auto smaller = apply(weights.ffn(layer), saved.partitions[to_size(layer)], saved.decided, layer);
  return {.ffn = std::move(smaller.ffn), .report = smaller.report, .storage = layer_storage::widened_to_f32};
}

inline void check_fits(const engine::model<float>& weights, const saved_verdict& saved, const std::string& path) {
  const engine::architecture& sizes = weights.sizes();
  const auto refuse = [&](const std::string& expected, const std::string& got) {
    fail<file_error>({.argument = path,
                      .expected = expected,
                      .got = got,
                      .cure = "a verdict serves the model that it was decided on"});
  };
  if (length(saved.partitions) != sizes.layers) {
    refuse("a verdict on the " + std::to_string(sizes.layers) + " layers of " + weights.file().path(),
           "one on " + std::to_string(saved.partitions.size()));
  }
  for (index_t layer = 0; layer < sizes.layers; ++layer) {
    const index_t neurons = saved.partitions[to_size(layer)].neurons();
    if (neurons == sizes.neurons) continue;
    refuse("experts of " + std::to_string(sizes.neurons) + " neurons in layer " + std::to_string(layer),
           "experts of " + std::to_string(neurons));
  }
}

/// The target appears whole or not at all. Throws file_error where the verdict does not fit the model, or the target
/// would replace the model; setting_error where widths should be equal and are not. `rule` says nothing to mixtures.
inline prune_outcome prune_file(const std::string& model_path, const std::string& verdict_path,
                                const std::string& target, layer_widths rule = layer_widths::padded) {
  check_targets(files_of_model(model_path, {verdict_path}), {{"--out", target}});
  if (experts_of(gguf_model{model_path}) > 0) return prune_experts(model_path, verdict_path, target);
  const engine::model<float> weights{model_path};
  const saved_verdict saved = read_verdict_json(verdict_path);
  check_fits(weights, saved, verdict_path);
  const gguf_file& file = weights.file();

  std::deque<pruned_layer> layers;
  std::vector<index_t> left;
  prune_outcome done{.width_before = weights.sizes().neurons};
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
    layers.push_back(prune_layer(weights, saved, layer));
    left.push_back(layers.back().neurons());
    done.report += layers.back().report;
    done.widened_layers += layers.back().storage == layer_storage::widened_to_f32 ? 1 : 0;
  }
  const std::vector<index_t> widths = written_widths(left, rule);
  done.width_after = *std::max_element(widths.begin(), widths.end());
  for (std::size_t layer = 0; layer < layers.size(); ++layer) {
    if (left[layer] == widths[layer]) continue;
    std::visit([&](auto& ffn) { ffn = padded(ffn, widths[layer]); }, layers[layer].ffn);
    ++done.padded_layers;
  }

  gguf_writer out;
  set_keys(out, file, widths, rule);
  for (const gguf_tensor& tensor : file.tensors()) {
    const auto place = place_of_gguf_name(tensor.name);
    const bool ffn =
        place && place->owner == ffn_owner::block && place->kind == tensor_kind::weight &&
        (place->part == model_part::gate || place->part == model_part::up || place->part == model_part::down);
    if (!ffn) {
      out.copy(file, tensor.name);
      continue;
    }
    std::visit(
        [&](const auto& made) {
          const auto view = made.view();
          const auto matrix = place->part == model_part::gate ? view.gate
                              : place->part == model_part::up ? view.up
                                                              : view.down;
          out.add(tensor.name, matrix);
        },
        layers[to_size(place->layer)].ffn);
  }
  out.save(target);
  weigh_files(done, model_path, target);
  return done;
}

}  // namespace fissile::unravel
