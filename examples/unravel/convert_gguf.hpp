// A dense GGUF file as a mixture that an unmodified llama.cpp runs: the experts of a plan in stacked tensors.
//
//   ffn_gate_inp   F32, [experts x width]            the router, eps * rows
//   ffn_gate_exps  ffn_up_exps                       rows of the dense file in another order, their bytes as they were
//   ffn_down_exps  [experts * width x neurons]       columns of the dense file times the factor of the plan
//
// With shared experts, as glm4moe, also:
//
//   exp_probs_b    F32, [experts]                    zeros, what the architecture adds to scores when it chooses
//   ffn_gate_shexp ffn_up_shexp ffn_down_shexp       the shared experts side by side, as one
//   attn_q attn_k                                    the same rows in another order
//
// All else is copied: one more tensor and llama.cpp refuses the file. One matrix at a time is in memory.
#pragma once

#include "convert_keys.hpp"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

struct convert_settings {
  std::optional<gguf_type> down = {};  // what down weights are written as; nothing: as they are stored
};

/// What became of the down weights of a layer.
struct converted_layer {
  gguf_type type = {};
  bool blocks = false;  // cut as whole blocks: the error is that of their scales
  rounding_error error = {};
};

struct convert_outcome {
  std::vector<converted_layer> layers = {};
  std::uint64_t bytes_before = 0, bytes_after = 0;
};

class moe_gguf {
public:
  /// Borrows file and plan. Throws setting_error and file_error for what cannot be converted, before any work.
  moe_gguf(const gguf_file& file, const moe_plan& plan, const convert_settings& chosen)
      : file_(&file), plan_(&plan), recipe_(&recipe_for(file, plan.weights())), sizes_(sizes_of(file)) {
    check_counts(file, {plan.experts + plan.shared(), plan.active, plan.shared()}, chosen.down);
    check(plan, sizes_);
    for (index_t layer = 0; layer < sizes_.layers; ++layer) downs_.emplace_back(file, plan, layer, chosen.down);
    done_.layers.resize(downs_.size());
    set_moe_keys(out_, file, plan, *recipe_);
    add_tensors();
  }
  moe_gguf(const moe_gguf&) = delete;
  moe_gguf& operator=(const moe_gguf&) = delete;

  /// How many tensors `save` makes.
  index_t made() const noexcept { return made_; }

  /// The target appears whole or not at all. told(): after each tensor that is made.
  convert_outcome save(
      const std::string& target, std::function<void()> told = [] {}) {
    told_ = std::move(told);
    for (converted_layer& layer : done_.layers) layer.error = {};
    out_.save(target);
    const gguf_file written{target};  // refuses what is wrong
    done_.bytes_before = std::filesystem::file_size(file_->path());
    done_.bytes_after = std::filesystem::file_size(target);
    return done_;
  }

private:
  void add_tensors() {
    std::map<std::string, std::pair<index_t, std::string>, std::less<>> parts;
    for (index_t layer = 0; layer < sizes_.layers; ++layer) {
      for (const char* part : {"gate", "up", "down"}) parts[ffn_tensor(layer, part)] = {layer, part};
    }
    for (const gguf_tensor& tensor : file_->tensors()) {
      const auto found = parts.find(tensor.name);
      if (found != parts.end()) {
        add_part(tensor, found->second.first, found->second.second);
      } else if (auto order = glm4moe() ? glm4moe_rows(tensor, engine::read_architecture(*file_)) : std::nullopt) {
        add(std::string{tensor.name}, tensor.type, {tensor.columns(), tensor.rows(), 1},
            [this, &tensor, order = std::move(*order)] {
              return cut_rows(file_->raw(tensor.name), tensor.rows(), order);
            });
      } else {
        out_.copy(*file_, tensor.name, glm4moe() ? *glm4moe_name(tensor.name) : std::string{tensor.name});
        copied_.push_back(file_->raw(tensor.name));
      }
    }
  }
  bool glm4moe() const noexcept { return recipe_->weights == weighing::sigmoid; }

  void add_part(const gguf_tensor& tensor, index_t layer, const std::string& part) {
    const moe_layer& one = plan_->layers[to_size(layer)];
    const std::string block = "blk." + std::to_string(layer) + ".", name = block + "ffn_";
    const index_t width = sizes_.width, expert = one.expert_neurons(), shared = one.shared(), routed = one.routed();
    if (part == "gate") {
      add(name + "gate_inp.weight", gguf_type::f32, {width, routed, 1},
          [&one, width] { return bytes_of_floats(one.written_router(width)); });
      if (glm4moe()) {
        add(block + "exp_probs_b.bias", gguf_type::f32, {routed, 1, 1},
            [routed] { return bytes_of_floats(std::vector<float>(to_size(routed), 0.0f)); });
      }
    }
    if (part != "down") {
      const auto rows = [this, &tensor](vector_view<const index_t> neurons) {
        return [this, &tensor, neurons] { return cut_rows(file_->raw(tensor.name), tensor.rows(), neurons); };
      };
      add(name + part + "_exps.weight", tensor.type, {width, expert, routed},
          rows(one.split.experts(shared, shared + routed)));
      if (shared == 0) return;
      add(name + part + "_shexp.weight", tensor.type, {width, shared * expert, 1}, rows(one.split.experts(0, shared)));
      return;
    }
    const down_cut& cut = downs_[to_size(layer)];
    converted_layer& done = done_.layers[to_size(layer)];
    done = {.type = cut.type(), .blocks = cut.blocks()};
    add(name + "down_exps.weight", cut.type(), {expert, width, routed}, [&cut, &done] { return cut.cut(done.error); });
    if (shared == 0) return;
    add(name + "down_shexp.weight", cut.type(), {shared * expert, width, 1},
        [&cut, &done] { return cut.cut_shared(done.error); });
  }
  static std::string bytes_of_floats(const std::vector<float>& numbers) {
    return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
  }
  /// Made while the file is written; before that, what was copied by then need not stay in memory.
  void add(const std::string& name, gguf_type type, std::array<index_t, 3> extents, std::function<std::string()> make) {
    ++made_;
    out_.add(shape(name, type, extents), [this, make = std::move(make)] {
      for (const std::string_view bytes : copied_) forget_pages(bytes);
      std::string made = make();
      told_();
      return made;
    });
  }
  /// The name is borrowed.
  static gguf_tensor shape(const std::string& name, gguf_type type, std::array<index_t, 3> extents) {
    return {.name = name,
            .type = type,
            .extents = {extents[0], extents[1], extents[2], 1},
            .dimensions = extents[2] > 1   ? 3u
                          : extents[1] > 1 ? 2u
                                           : 1u};
  }

  const gguf_file* file_;
  const moe_plan* plan_;
  const moe_recipe* recipe_;
  moe_sizes sizes_;
  index_t made_ = 0;
  std::deque<down_cut> downs_;  // [layers]
  convert_outcome done_;
  std::vector<std::string_view> copied_;
  std::function<void()> told_;
  gguf_writer out_;
};

}  // namespace fissile::unravel
