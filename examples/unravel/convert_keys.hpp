// The keys of a converted file: those of the dense model under the mixture's name, who works, and how it was made.
#pragma once

#include "convert_recipe.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace fissile::unravel {

/// Of ours, "fissile.moe.": made, down_factor, eps, the neurons of layers whose experts are no even slices, and a note
/// where overriding the number of active experts would spoil the scale.
inline void set_moe_keys(gguf_writer& out, const gguf_file& file, const moe_plan& plan, const moe_recipe& recipe) {
  const std::string from = std::string{recipe.from} + ".", to = std::string{recipe.to} + ".";
  for (const gguf_entry& one : file.entries()) {
    const bool of_architecture = one.key.starts_with(from);
    out.set(of_architecture ? to + std::string{one.key.substr(from.size())} : std::string{one.key}, one.value);
  }
  const auto number = [](index_t value) { return static_cast<std::uint32_t>(value); };
  out.set("general.architecture", recipe.to);
  out.set(to + std::string{recipe.expert_width_key}, number(plan.layers.front().expert_neurons()));
  out.set(to + "expert_count", number(plan.experts));
  out.set(to + "expert_used_count", number(plan.active));
  out.set("fissile.moe.made", plan.made);
  out.set("fissile.moe.down_factor", plan.down_factor());
  if (recipe.weights == weighing::sigmoid) {
    set_glm4moe_keys(out, plan.shared());
  } else {
    const std::string active = std::to_string(plan.active);
    out.set("fissile.moe.note", "down weights hold the factor " + active + ": where " + to +
                                    "expert_used_count is overridden by k, layers give " + active +
                                    "/k of what they should");
  }
  std::vector<float> eps;
  for (std::size_t layer = 0; layer < plan.layers.size(); ++layer) {
    const moe_layer& one = plan.layers[layer];
    eps.push_back(one.eps);
    const vector_view<const index_t> order = one.split.experts(0, one.split.experts());
    if (std::is_sorted(order.begin(), order.end())) continue;  // even slices: as in the dense file
    out.set("fissile.moe.blk." + std::to_string(layer) + ".neurons",
            std::vector<std::int32_t>(order.begin(), order.end()));
  }
  out.set("fissile.moe.eps", eps);
}

}  // namespace fissile::unravel
