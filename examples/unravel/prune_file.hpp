// A verdict carried out on a file: the same model with narrower feed-forward layers, in a new GGUF file.
//
// The engine wants all layers equally wide. Where a verdict removes more neurons from one layer than from another, the
// narrower ones get zero neurons at their end, which add nothing.
#pragma once

#include <engine/model.hpp>

#include <fissile/file/verdict_json.hpp>
#include <fissile/prune/apply.hpp>

#include <algorithm>
#include <deque>
#include <filesystem>
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

struct prune_outcome {
  prune_report report;       // of the neurons that matter
  index_t width_before = 0;  // neurons a layer, in the files
  index_t width_after = 0;
  index_t padded_layers = 0;                                  // layers with zero neurons at their end
  index_t widened_layers = 0;                                 // layers whose type could not be written, now F32
  std::uint64_t parameters_before = 0, parameters_after = 0;  // of the whole files
  std::uint64_t bytes_before = 0, bytes_after = 0;
};

inline std::string ffn_tensor(index_t layer, std::string_view part) {
  return "blk." + std::to_string(layer) + ".ffn_" + std::string{part} + ".weight";
}

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

inline std::uint64_t parameters_of(const gguf_file& file) {
  std::uint64_t sum = 0;
  for (const gguf_tensor& tensor : file.tensors()) sum += static_cast<std::uint64_t>(tensor.count());
  return sum;
}

/// Keeps whatever kind of whole number the key was written as.
inline void set_feed_forward_length(gguf_writer& out, const gguf_file& file, index_t neurons) {
  constexpr std::string_view key = "llama.feed_forward_length";
  const gguf_value* old = file.find(key);
  if (old != nullptr && old->kind() == gguf_kind::uint64) {
    out.set(key, static_cast<std::uint64_t>(neurons));
  } else {
    out.set(key, static_cast<std::uint32_t>(neurons));
  }
}

/// Throws file_error where the target is one of the inputs.
inline void check_target(const std::vector<std::string>& inputs, const std::string& target) {
  std::error_code ignored;
  for (const std::string& input : inputs) {
    if (!std::filesystem::equivalent(input, target, ignored)) continue;
    fail<file_error>({.argument = "--out " + target, .expected = "a new file", .got = "the input " + input});
  }
}

/// Loads what was written, which refuses what is wrong, and weighs both files.
inline void weigh_files(prune_outcome& done, const gguf_file& before, const std::string& target) {
  const engine::model<float> written{target};
  done.parameters_before = parameters_of(before);
  done.parameters_after = parameters_of(written.file());
  done.bytes_before = std::filesystem::file_size(before.path());
  done.bytes_after = std::filesystem::file_size(target);
}

/// The target appears whole or not at all. Throws file_error where the verdict does not fit the model, or the target
/// would replace the model.
inline prune_outcome prune_file(const std::string& model_path, const std::string& verdict_path,
                                const std::string& target) {
  check_target({model_path, verdict_path}, target);
  const engine::model<float> weights{model_path};
  const saved_verdict saved = read_verdict_json(verdict_path);
  check_fits(weights, saved, verdict_path);
  const gguf_file& file = weights.file();

  std::deque<pruned_layer> layers;
  prune_outcome done{.report = {}, .width_before = weights.sizes().neurons};
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
    layers.push_back(prune_layer(weights, saved, layer));
    done.report += layers.back().report;
    done.width_after = std::max(done.width_after, layers.back().neurons());
    done.widened_layers += layers.back().storage == layer_storage::widened_to_f32 ? 1 : 0;
  }
  for (pruned_layer& layer : layers) {
    if (layer.neurons() == done.width_after) continue;
    std::visit([&](auto& ffn) { ffn = padded(ffn, done.width_after); }, layer.ffn);
    ++done.padded_layers;
  }

  gguf_writer out;
  out.copy_entries(file);
  set_feed_forward_length(out, file, done.width_after);
  for (const gguf_tensor& tensor : file.tensors()) {
    const auto add_part = [&](index_t layer) {
      return std::visit(
          [&](const auto& ffn) {
            const auto view = ffn.view();
            if (tensor.name == ffn_tensor(layer, "gate")) return out.add(tensor.name, view.gate), true;
            if (tensor.name == ffn_tensor(layer, "up")) return out.add(tensor.name, view.up), true;
            if (tensor.name == ffn_tensor(layer, "down")) return out.add(tensor.name, view.down), true;
            return false;
          },
          layers[to_size(layer)].ffn);
    };
    index_t layer = 0;
    while (layer < length(layers) && !add_part(layer)) ++layer;
    if (layer == length(layers)) out.copy(file, tensor.name);
  }
  out.save(target);

  weigh_files(done, file, target);
  return done;
}

}  // namespace fissile::unravel
