// Who hears what a plan asks for while a block is read.
#pragma once

#include "calibrate_stream.hpp"
#include "prune_plan.hpp"

namespace fissile::unravel {

inline block_inputs listeners_for(const engine::model<float>& weights, const prune_plan& plan,
                                  const calibration_stream& text) {
  const engine::architecture& sizes = weights.sizes();
  const index_t every = (text.positions() + plan.error_positions - 1) / plan.error_positions;
  const auto make = [&](index_t width, overhearing what) {
    return overheard_inputs{{.width = width, .padding = plan.padding, .corpus = text.corpus()}, what, every};
  };
  constexpr overhearing less = overhearing::moments, more = overhearing::moments_and_hessian;
  const bool all = plan.score == score_rule::sparsegpt;
  const overhearing attention = all && plan.reach == pruned_reach::block ? more : less;
  return {.attention = make(sizes.width, attention),
          .attended = make(sizes.query_width(), attention),
          .tokens = make(sizes.width, all ? more : less),
          .hidden = make(sizes.neurons, all || plan.refit == refitting::down ? more : less)};
}

}  // namespace fissile::unravel
