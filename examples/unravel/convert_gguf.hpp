// A dense GGUF file as a mixture that an unmodified llama.cpp runs: the experts of a plan in stacked tensors.
//
//   ffn_gate_inp   F32, [experts x width]            the router, eps * rows
//   ffn_gate_exps  ffn_up_exps                       rows of the dense file in another order, their bytes as they were
//   ffn_down_exps  [experts * width x neurons]       columns of the dense file times the number of active experts
//
// All else is copied: one more tensor and llama.cpp refuses the file. One matrix at a time is in memory.
#pragma once

#include "convert_recipe.hpp"

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
      : file_(&file), plan_(&plan), recipe_(&recipe_for(file)), sizes_(sizes_of(file)) {
    check_counts(file, {plan.experts, plan.active}, chosen.down);
    check(plan, sizes_);
    if (plan.layers.front().shared() > 0) {
      fail<setting_error>({.argument = "moe_plan: shared experts", .expected = "none for llama.cpp", .got = "some"});
    }
    for (index_t layer = 0; layer < sizes_.layers; ++layer) downs_.emplace_back(file, plan, layer, chosen.down);
    done_.layers.resize(downs_.size());
    set_keys();
    add_tensors();
  }
  moe_gguf(const moe_gguf&) = delete;
  moe_gguf& operator=(const moe_gguf&) = delete;

  /// How many tensors `save` makes.
  index_t made() const noexcept { return 4 * sizes_.layers; }

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
  void set_keys() {
    const std::string from = std::string{recipe_->from} + ".", to = std::string{recipe_->to} + ".";
    for (const gguf_entry& one : file_->entries()) {
      const bool of_architecture = one.key.starts_with(from);
      out_.set(of_architecture ? to + std::string{one.key.substr(from.size())} : std::string{one.key}, one.value);
    }
    const auto number = [](index_t value) { return static_cast<std::uint32_t>(value); };
    out_.set("general.architecture", recipe_->to);
    out_.set(to + std::string{recipe_->expert_width_key}, number(sizes_.neurons / plan_->experts));
    out_.set(to + "expert_count", number(plan_->experts));
    out_.set(to + "expert_used_count", number(plan_->active));
    const std::string active = std::to_string(plan_->active);
    out_.set("fissile.moe.made", plan_->made);
    out_.set("fissile.moe.down_factor", plan_->down_factor());
    out_.set("fissile.moe.note", "down weights hold the factor " + active + ": where " + to +
                                     "expert_used_count is overridden by k, layers give " + active +
                                     "/k of what they should");
    std::vector<float> eps;
    for (index_t layer = 0; layer < sizes_.layers; ++layer) {
      const moe_layer& one = plan_->layers[to_size(layer)];
      eps.push_back(one.eps);
      const vector_view<const index_t> order = one.split.experts(0, one.split.experts());
      if (std::is_sorted(order.begin(), order.end())) continue;  // even slices: as in the dense file
      out_.set("fissile.moe.blk." + std::to_string(layer) + ".neurons",
               std::vector<std::int32_t>(order.begin(), order.end()));
    }
    out_.set("fissile.moe.eps", eps);
  }

  void add_tensors() {
    std::map<std::string, std::pair<index_t, std::string>, std::less<>> parts;
    for (index_t layer = 0; layer < sizes_.layers; ++layer) {
      for (const char* part : {"gate", "up", "down"}) parts[ffn_tensor(layer, part)] = {layer, part};
    }
    for (const gguf_tensor& tensor : file_->tensors()) {
      const auto found = parts.find(tensor.name);
      if (found != parts.end()) {
        add_part(tensor, found->second.first, found->second.second);
      } else {
        out_.copy(*file_, tensor.name);
        copied_.push_back(file_->raw(tensor.name));
      }
    }
  }
  void add_part(const gguf_tensor& tensor, index_t layer, const std::string& part) {
    const moe_layer& one = plan_->layers[to_size(layer)];
    const std::string name = "blk." + std::to_string(layer) + ".ffn_";
    const index_t width = sizes_.width, expert = one.expert_neurons();
    if (part == "gate") {
      add(name + "gate_inp.weight", gguf_type::f32, {width, plan_->experts, 1}, [&one, width] {
        const std::vector<float> rows = one.written_router(width);
        return std::string{reinterpret_cast<const char*>(rows.data()), rows.size() * sizeof(float)};
      });
    }
    if (part != "down") {
      add(name + part + "_exps.weight", tensor.type, {width, expert, plan_->experts},
          [&one, rows = file_->raw(tensor.name)] { return cut_rows(rows, one.split); });
      return;
    }
    const down_cut& cut = downs_[to_size(layer)];
    converted_layer& done = done_.layers[to_size(layer)];
    done = {.type = cut.type(), .blocks = cut.blocks()};
    add(name + part + "_exps.weight", cut.type(), {expert, width, plan_->experts},
        [&cut, &done] { return cut.cut(done.error); });
  }
  /// Made while the file is written; before that, what was copied by then need not stay in memory.
  void add(const std::string& name, gguf_type type, std::array<index_t, 3> extents, std::function<std::string()> make) {
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
            .dimensions = extents[2] > 1 ? 3u : 2u};
  }

  const gguf_file* file_;
  const moe_plan* plan_;
  const moe_recipe* recipe_;
  moe_sizes sizes_;
  std::deque<down_cut> downs_;  // [layers]
  convert_outcome done_;
  std::vector<std::string_view> copied_;
  std::function<void()> told_;
  gguf_writer out_;
};

}  // namespace fissile::unravel
