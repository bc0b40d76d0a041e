// A dense LLaMA-type GGUF file as a Mixtral model in Hugging Face's layout: safetensors and config.json.
//
//   block_sparse_moe.gate              F32, [experts x width]           the router, eps * rows
//   block_sparse_moe.experts.E.w1 w3   [neurons of an expert x width]   rows of gate and up
//   block_sparse_moe.experts.E.w2      [width x neurons of an expert]   columns of down times the active experts
//
// Mixtral divides the weights of the chosen experts by their sum, as moe_plan wants it. llama.cpp keeps the two halves
// of a rotated head interleaved, Hugging Face one after the other: rows of q and k are put back. The tokenizer is not
// converted.
#pragma once

#include "convert_cut.hpp"
#include "mixtral_names.hpp"

#include <engine/architecture.hpp>

#include <fissile/file/gguf.hpp>
#include <fissile/file/json.hpp>
#include <fissile/file/model_names.hpp>
#include <fissile/file/safetensors.hpp>

#include <charconv>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

struct mixtral_settings {
  std::optional<gguf_type> as = {};           // f32, f16 or bf16 for all matrices; nothing: as stored, Q8_0 as f32
  std::uint64_t shard_bytes = 5'000'000'000;  // of each file, at most, where one does not hold the model
};

struct mixtral_outcome {
  std::vector<std::string> paths;  // the tensors, their index where there are several, config.json
  rounding_error down = {};        // of w2: of the factor, and of another type
  rounding_error others = {};      // of matrices written in another type
};

/// The double that reads as the float does in its shortest text: 1e-05, not 9.99999974e-06.
inline double as_written(float number) noexcept {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, number);
  double read = 0;
  std::from_chars(text, end.ptr, read);
  return read;
}

/// Made once, saved once; borrows file and plan.
class mixtral_folder {
public:
  /// Throws setting_error and file_error for what Mixtral cannot compute, before any work.
  mixtral_folder(const gguf_file& file, const moe_plan& plan, const mixtral_settings& chosen = {})
      : file_(&file), plan_(&plan), chosen_(chosen), sizes_(engine::read_architecture(file)) {
    check(plan, {.layers = sizes_.layers, .width = sizes_.width, .neurons = sizes_.neurons});
    if (plan.layers.front().shared() > 0) {
      fail<setting_error>({.argument = "moe_plan: shared experts", .expected = "none for Mixtral", .got = "some"});
    }
    if (sizes_.rotated != sizes_.head_size) {
      engine::refuse(file, "llama.rope.dimension_count", "all of a head, as Mixtral rotates", "a part of it");
    }
    check_complete();
    for (const gguf_tensor& tensor : file.tensors()) add(tensor);
  }
  mixtral_folder(const mixtral_folder&) = delete;
  mixtral_folder& operator=(const mixtral_folder&) = delete;

  /// Into a folder, which is made where it is not there. One matrix at a time is in memory; every file appears whole or
  /// not at all, config.json last.
  mixtral_outcome save(const std::string& folder) {
    std::filesystem::create_directories(folder);
    done_.paths = out_.save_model(folder, chosen_.shard_bytes);
    write_json(done_.paths.emplace_back((std::filesystem::path{folder} / "config.json").string()), config());
    return done_;
  }

private:
  void check_complete() const {
    const model_names names = name_tensors(*file_);
    if (names.layers() > sizes_.layers) {
      engine::refuse(*file_, "llama.block_count", std::to_string(names.layers()), std::to_string(sizes_.layers));
    }
    for (const model_part part : {model_part::embedding, model_part::output_norm}) names.at({.part = part});
    for (index_t layer = 0; layer < sizes_.layers; ++layer) {
      for (const model_part part : mixtral_block_parts) names.at({.part = part, .layer = layer});
      static_cast<void>(names.ffn(layer));
    }
  }

  gguf_type written(gguf_type stored) const noexcept {
    if (chosen_.as) return *chosen_.as;
    return stored == gguf_type::q8_0 ? gguf_type::f32 : stored;
  }

  void add(const gguf_tensor& tensor) {
    const auto place = place_of_gguf_name(tensor.name);
    const bool ffn = place && place->owner == ffn_owner::block && place->kind == tensor_kind::weight;
    const auto type = written(tensor.type);
    const bool plain = type == gguf_type::f32 || type == gguf_type::f16 || type == gguf_type::bf16;
    if (!widenable(tensor.type) || !plain) {
      engine::refuse(*file_, tensor.name, "F32, F16, BF16 or Q8_0, to be written as one of the first three",
                     to_string(plain ? tensor.type : type));
    }
    if (ffn && (place->part == model_part::gate || place->part == model_part::up)) return add_rows(tensor, *place);
    if (ffn && place->part == model_part::down) return add_down(tensor, *place);
    const auto name = place ? mixtral_name(*place) : std::nullopt;
    if (!name) engine::refuse(*file_, tensor.name, "a plain LLaMA model", "a tensor that Mixtral has not");
    std::vector<index_t> order = ascending(tensor.rows());
    if (place->part == model_part::query || place->part == model_part::key) {
      order = halves_apart(tensor.rows(), sizes_.head_size);
    }
    if (tensor.dimensions == 1) {
      out_.add({.name = *name, .type = to_string(tensor.type), .shape = {tensor.count()}}, file_->raw(tensor.name));
    } else {
      put(*name, tensor, std::move(order));
    }
  }

  void add_rows(const gguf_tensor& tensor, const tensor_place& place) {
    const moe_layer& layer = plan_->layers[to_size(place.layer)];
    const std::string block = "model.layers." + std::to_string(place.layer) + ".block_sparse_moe.";
    if (place.part == model_part::gate) {
      out_.add({.name = block + "gate.weight", .type = "F32", .shape = {plan_->experts, sizes_.width}},
               [&layer, width = sizes_.width] {
                 const std::vector<float> rows = layer.written_router(width);
                 return std::string{reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(float)};
               });
    }
    for (index_t e = 0; e < plan_->experts; ++e) {
      const vector_view<const index_t> neurons = layer.split.expert(e);
      put(block + "experts." + std::to_string(e) + (place.part == model_part::gate ? ".w1.weight" : ".w3.weight"),
          tensor, {neurons.begin(), neurons.end()});
    }
  }

  /// These rows of a tensor, in this order.
  void put(const std::string& name, const gguf_tensor& tensor, std::vector<index_t> order) {
    const gguf_type type = written(tensor.type);
    const safetensors_tensor shape{.name = name, .type = to_string(type), .shape = {length(order), tensor.columns()}};
    out_.add(shape, [this, tensor, type, order = std::move(order)] {
      const std::string_view rows = file_->raw(tensor.name);
      const std::size_t row = rows.size() / to_size(tensor.rows());
      std::vector<float> numbers(to_size(tensor.columns()));
      std::string made;
      for (const index_t from : order) {
        const std::string_view stored = rows.substr(to_size(from) * row, row);
        if (type == tensor.type) {
          made += stored;
        } else {
          widen_row(tensor.type, stored.data(), {numbers.data(), tensor.columns()});
          append_stored(type, {numbers.data(), tensor.columns()}, made, done_.others);
        }
      }
      forget_pages(rows);
      return made;
    });
  }

  void add_down(const gguf_tensor& tensor, const tensor_place& place) {
    const partition& split = plan_->layers[to_size(place.layer)].split;
    const gguf_type type = written(tensor.type);
    for (index_t e = 0; e < plan_->experts; ++e) {
      const std::string name = "model.layers." + std::to_string(place.layer) + ".block_sparse_moe.experts." +
                               std::to_string(e) + ".w2.weight";
      out_.add({.name = name, .type = to_string(type), .shape = {tensor.rows(), split.size(e)}},
               [this, tensor, type, neurons = split.expert(e)] {
                 const std::string_view rows = file_->raw(tensor.name);
                 std::string made;
                 scaled_columns{&tensor, rows, type, plan_->down_factor()}.append(neurons, made, done_.down);
                 forget_pages(rows);
                 return made;
               });
    }
  }

  json_value config() const {
    const gguf_type type = written(file_->tensor(ffn_tensor(0, "down")).type);
    json_value made{{"architectures", {"MixtralForCausalLM"}},
                    {"model_type", "mixtral"},
                    {"vocab_size", file_->tensor("token_embd.weight").rows()},
                    {"hidden_size", sizes_.width},
                    {"intermediate_size", sizes_.neurons / plan_->experts},
                    {"num_hidden_layers", sizes_.layers},
                    {"num_attention_heads", sizes_.heads},
                    {"num_key_value_heads", sizes_.key_heads},
                    {"head_dim", sizes_.head_size},
                    {"hidden_act", "silu"},
                    {"max_position_embeddings", sizes_.context},
                    {"rms_norm_eps", as_written(sizes_.norm_epsilon)},
                    {"rope_theta", as_written(sizes_.rotation_base)},
                    {"sliding_window", nullptr},
                    {"num_local_experts", plan_->experts},
                    {"num_experts_per_tok", plan_->active},
                    {"tie_word_embeddings", file_->find_tensor("output.weight") == nullptr}};
    made["torch_dtype"] = type == gguf_type::f32 ? "float32" : type == gguf_type::f16 ? "float16" : "bfloat16";
    for (const char* key : {"bos", "eos"}) {
      const std::string from = "tokenizer.ggml." + std::string{key} + "_token_id";
      if (file_->find(from) != nullptr) made[std::string{key} + "_token_id"] = file_->get<index_t>(from);
    }
    made["fissile"] = {{"made", plan_->made}, {"down_factor", plan_->down_factor()}};
    return made;
  }

  const gguf_file* file_;
  const moe_plan* plan_;
  mixtral_settings chosen_;
  engine::architecture sizes_;
  mixtral_outcome done_;
  safetensors_writer out_;
};

}  // namespace fissile::unravel
