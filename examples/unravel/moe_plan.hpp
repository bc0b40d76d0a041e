// What a dense model is converted by: for every layer the neurons of its experts and the rows of its router.
//
// A dense layer sums its neurons with weight 1. Engines weigh the K chosen experts of a token by their scores, in one
// of two ways; the router is so small that either comes near to 1:
//
//   softmax   y = sum over chosen e of p_e * K down_e . hidden_e(x),   p = softmax(eps * rows . x) over the chosen
//             p sums to 1 and each is nearly 1/K, so K goes into the down weights
//   sigmoid   y = shared(x) + sum over chosen e of p_e * down_e . hidden_e(x),   p_e = 2 sigmoid(eps * rows_e . x)
//             each is nearly 1, whatever K is; beside the chosen, shared experts work
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

/// How an engine weighs the experts that a token chose.
enum class weighing { softmax, sigmoid };

/// Plain data, the same for every target. `check` it before use.
struct moe_plan {
  index_t experts = 0;            // N: routed experts of each layer
  index_t active = 0;             // K: of them, chosen for each token
  std::vector<moe_layer> layers;  // first layer first
  std::string made = {};  // in words, for reports and files: "balanced_clusters; routers distilled from en + de"

  /// Of each layer.
  index_t shared() const { return layers.empty() ? 0 : layers.front().shared(); }
  /// Shared experts and weights by a sigmoid come together: what llama.cpp can run of a dense LLaMA has both or none.
  weighing weights() const { return shared() > 0 ? weighing::sigmoid : weighing::softmax; }
  /// What down weights are multiplied by.
  float down_factor() const { return weights() == weighing::softmax ? static_cast<float>(active) : 1.0f; }
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
    if (one.shared() != plan.shared()) {
      refuse(where + "shared experts", std::to_string(plan.shared()) + " as in layer 0", std::to_string(one.shared()));
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
