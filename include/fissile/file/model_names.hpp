// One view of the names in a model's file, whether Hugging Face or llama.cpp gave them: which tensor is what, in which
// layer, of which expert. Names that are not known are listed, never guessed at.
//
//   const gguf_file file{"model.gguf"};                              // or gguf_model, safetensors_file,
//   safetensors_model const model_names names = name_tensors(file); for (index_t layer = 0; layer < names.layers();
//   ++layer) {
//     const ffn_names ffn = names.ffn(layer);                        // ffn.up: "blk.0.ffn_up.weight"
//   }
#pragma once

#include <fissile/base/contract.hpp>
#include <fissile/file/names/gguf_names.hpp>
#include <fissile/file/names/hugging_face_names.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fissile {

/// In either way of naming; they have no name in common. Nothing for a name of neither.
inline std::optional<tensor_place> place_of_name(std::string_view name) {
  const auto place = place_of_gguf_name(name);
  return place ? place : place_of_hugging_face_name(name);
}

/// Three tensors that make a feed-forward layer, or two where gate lies above up in one; then `gate` and `up` are
/// empty. Of stacked experts, each is [experts x rows x columns].
struct ffn_names {
  std::string gate, up, down;
  std::string gate_up = {};
  friend bool operator==(const ffn_names&, const ffn_names&) = default;
};

class model_names {
public:
  /// `file` is for messages. Throws file_error where two names mean the same.
  explicit model_names(const std::vector<std::string>& names, std::string file = "model") : file_(std::move(file)) {
    for (const std::string& name : names) {
      const auto place = place_of_name(name);
      if (!place) {
        unknown_.push_back(name);
        continue;
      }
      const auto [other, fresh] = name_of_.emplace(*place, name);
      if (!fresh) refuse(name, "one tensor for " + to_string(*place), other->second + ", too", "");
      if (place->layer < 0) continue;
      layers_ = std::max(layers_, place->layer + 1);
      if (place->owner == ffn_owner::expert)
        experts_[place->layer] = std::max(experts_[place->layer], place->expert + 1);
    }
  }

  /// One more than the highest number of a block.
  index_t layers() const noexcept { return layers_; }
  /// The names that are not known, in the order of the file.
  const std::vector<std::string>& unknown() const noexcept { return unknown_; }

  /// Null where the file has no such tensor.
  const std::string* find(const tensor_place& place) const {
    const auto found = name_of_.find(place);
    return found == name_of_.end() ? nullptr : &found->second;
  }
  /// Throws file_error that names the file, what is missing and what may be the reason.
  const std::string& at(const tensor_place& place) const {
    const std::string* found = find(place);
    if (found != nullptr) return *found;
    const bool only_unknown = name_of_.empty() && !unknown_.empty();
    refuse(to_string(place), "a tensor for it", "none",
           only_unknown       ? "no name in the file is known, neither as Hugging Face's nor as llama.cpp's"
           : unknown_.empty() ? "the file may be one part of a model: open the first part or the index"
                              : "it may be one of the " + std::to_string(unknown_.size()) +
                                    " names that are not known, the first is \"" + unknown_.front() + "\"");
  }

  /// The norm that the feed-forward layer reads through. Where a block has neither a norm of this name nor one behind
  /// the feed-forward layer, it is the one after attention, as LLaMA and GLM-4 have it.
  const std::string& ffn_norm(index_t layer) const {
    const std::string* own = find({.part = model_part::ffn_norm, .layer = layer});
    const bool sandwich = find({.part = model_part::post_ffn_norm, .layer = layer}) != nullptr;
    if (own != nullptr) return *own;
    return at({.part = sandwich ? model_part::ffn_norm : model_part::post_attention_norm, .layer = layer});
  }

  /// Of a dense layer, of the shared experts, of all experts in one, or of one expert. Every family whose names are
  /// known has a gate: one that is not there is missing.
  ffn_names ffn(index_t layer, ffn_owner owner = ffn_owner::block, index_t expert = -1) const {
    const auto place = [&](model_part part) {
      return tensor_place{.part = part, .layer = layer, .owner = owner, .expert = expert};
    };
    if (const std::string* both = find(place(model_part::gate_up))) {
      return {.gate = {}, .up = {}, .down = at(place(model_part::down)), .gate_up = *both};
    }
    return {.gate = at(place(model_part::gate)),
            .up = at(place(model_part::up)),
            .down = at(place(model_part::down)),
            .gate_up = {}};
  }

  /// Whether the layer chooses between experts: it has a router.
  bool has_experts(index_t layer) const { return find({.part = model_part::router, .layer = layer}) != nullptr; }
  bool has_stacked_experts(index_t layer) const {
    return find({.part = model_part::down, .layer = layer, .owner = ffn_owner::all_experts}) != nullptr;
  }
  /// Experts of a layer that have tensors of their own: one more than the highest number; 0 where they are stacked, and
  /// for dense layers.
  index_t separate_experts(index_t layer) const {
    const auto found = experts_.find(layer);
    return found == experts_.end() ? 0 : found->second;
  }

private:
  [[noreturn]] void refuse(const std::string& what, std::string expected, std::string got,
                           const std::string& cure) const {
    fail<file_error>(
        {.argument = file_ + ": " + what, .expected = std::move(expected), .got = std::move(got), .cure = cure});
  }

  std::string file_;
  std::map<tensor_place, std::string> name_of_;
  std::map<index_t, index_t> experts_;  // by layer
  std::vector<std::string> unknown_;
  index_t layers_ = 0;
};

/// Of a reader: whatever has `path()` and `names()`, or `tensors()` that have names.
template <class File>
model_names name_tensors(const File& file) {
  std::vector<std::string> names;
  if constexpr (requires { file.names(); }) {
    names = file.names();
  } else {
    for (const auto& tensor : file.tensors()) names.emplace_back(tensor.name);
  }
  return model_names{names, file.path()};
}

}  // namespace fissile
