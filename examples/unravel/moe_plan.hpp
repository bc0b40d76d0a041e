// What a dense model is converted by: for every layer the neurons of its experts and the rows of its router.
//
// Engines weigh the K experts of a token by a softmax over their scores, which sums to 1. A dense layer sums its
// neurons with weight 1, so K goes into the down weights and the router is so small that all K weights are nearly 1/K:
//
//   y = sum over chosen e of p_e * K down_e . hidden_e(x),   p = softmax(eps * rows . x) over the chosen, p_e ~ 1/K
#pragma once

#include <fissile/partition/partition.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace fissile::unravel {

/// One layer. Experts of equal size; those marked as shared come first, work for every token and have no router row.
struct moe_layer {
  partition split;
  std::vector<float> router =
      {};         // [routed experts x width], before eps; empty: zeros, for layers that use all experts
  float eps = 1;  // what the rows are multiplied by in the file

  index_t shared() const { return length(split.shared_experts()); }
  index_t routed() const { return split.experts() - shared(); }
  index_t expert_neurons() const noexcept { return split.size(0); }
  /// The rows as they go into the file. [routed experts x width]
  std::vector<float> written_router(index_t width) const {
    std::vector<float> rows(to_size(routed() * width), 0.0f);
    for (std::size_t i = 0; i < router.size(); ++i) rows[i] = eps * router[i];
    return rows;
  }
};

/// Plain data, the same for every target. `check` it before use.
struct moe_plan {
  index_t experts = 0;            // N: routed experts of each layer
  index_t active = 0;             // K: of them, chosen for each token
  std::vector<moe_layer> layers;  // first layer first
  std::string made = {};  // in words, for reports and files: "balanced_clusters; routers distilled from en + de"

  /// What the down weights of routed experts are multiplied by; those of shared experts stay.
  float down_factor() const noexcept { return static_cast<float>(active); }
};

/// The sizes that a plan must fit.
struct moe_sizes {
  index_t layers = 0, width = 0, neurons = 0;
};

/// Throws setting_error for a plan that does not fit the model, with experts of unequal size, a router of another shape
/// or with numbers that are not finite, or without a router where there is something to choose.
inline void check(const moe_plan& plan, const moe_sizes& sizes) {
  const auto refuse = [](std::string where, std::string expected, std::string got) {
    fail<setting_error>({.argument = "moe_plan: " + where, .expected = std::move(expected), .got = std::move(got)});
  };
  if (length(plan.layers) != sizes.layers) {
    refuse("layers", std::to_string(sizes.layers), std::to_string(plan.layers.size()));
  }
  if (plan.active < 1 || plan.active > plan.experts) {
    refuse("active", "from 1 to " + std::to_string(plan.experts), std::to_string(plan.active));
  }
  for (std::size_t layer = 0; layer < plan.layers.size(); ++layer) {
    const moe_layer& one = plan.layers[layer];
    const std::string where = "layer " + std::to_string(layer) + ": ";
    if (one.routed() != plan.experts) {
      refuse(where + "experts", std::to_string(plan.experts) + " routed ones", std::to_string(one.routed()));
    }
    if (one.split.neurons() != sizes.neurons) {
      refuse(where + "neurons", std::to_string(sizes.neurons), std::to_string(one.split.neurons()));
    }
    if (one.shared() != plan.layers.front().shared()) {
      refuse(where + "shared experts", std::to_string(plan.layers.front().shared()) + " as in layer 0",
             std::to_string(one.shared()));
    }
    for (index_t e = 0; e < one.split.experts(); ++e) {
      if (one.split.size(e) != one.expert_neurons()) {
        refuse(where + "expert " + std::to_string(e), std::to_string(one.expert_neurons()) + " neurons as in expert 0",
               std::to_string(one.split.size(e)));
      }
      if (one.split.shared(e) != (e < one.shared())) refuse(where + "shared experts", "the first ones", "others");
    }
    if (one.router.empty() ? plan.active != plan.experts : length(one.router) != plan.experts * sizes.width) {
      refuse(where + "router", std::to_string(plan.experts * sizes.width) + " numbers, or none to use all experts",
             std::to_string(one.router.size()));
    }
    const bool finite = std::all_of(one.router.begin(), one.router.end(), [](float x) { return std::isfinite(x); });
    if (!finite || !std::isfinite(one.eps) || !(one.eps > 0)) {
      refuse(where + "router", "finite rows and an eps above 0", "others");
    }
  }
}

}  // namespace fissile::unravel
