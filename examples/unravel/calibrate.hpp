// A model is pruned by the texts it reads, block after block.
//
//   const pruned_model done = prune_model(weights, {.samples = {"en + de", samples}}, {.rate = 0.5});
//   whole_feed_forward ffn{done.model};
//   engine::session read{done.model};      read(tokens, ffn): the pruned model, at full width or narrower
//
// Every block is judged by the inputs of its matrices: in one shot those that the dense model computes, sequentially
// those that the blocks before it compute as they are pruned by then. Runs on the caller's thread alone; many may prune
// the same model at once.
#pragma once

#include "calibrate_stream.hpp"
#include "progress.hpp"
#include "prune_block.hpp"

#include <optional>
#include <utility>

namespace fissile::unravel {

struct calibration_texts {
  calibration_corpus samples;       // what the model is pruned for
  calibration_corpus against = {};  // the denominator of wanda_ratio; for others nothing
};

/// Who hears what the plan asks for.
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

/// Throws setting_error for plans and samples that cannot be, shape_error where weights are not whole groups of N:M.
inline pruned_model prune_model(const engine::model<float>& weights, const calibration_texts& texts,
                                const prune_plan& plan, progress_style style = progress_style::silent) {
  check(plan);
  calibration_stream read{weights, texts.samples};
  std::optional<calibration_stream> against;
  if (plan.score == score_rule::wanda_ratio) against.emplace(weights, texts.against);
  const std::string corpus = against ? read.corpus() + " over " + against->corpus() : read.corpus();
  pruned_model done{
      .model = changed_model{weights},
      .report = {.plan = to_string(plan, corpus), .read = calibration_tally{{}, "calibration"}, .layers = {}}};
  progress told{"pruning", weights.sizes().layers, style};
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
    block_inputs heard = listeners_for(weights, plan, read);
    read.pass(weights.block(layer), weights.ffn(layer), &heard);
    std::optional<block_inputs> heard_against;
    if (against) {
      heard_against = listeners_for(weights, plan, *against);
      against->pass(weights.block(layer), weights.ffn(layer), &*heard_against);
    }
    if (layer == 0) done.report.read = heard.attention.moments().read();

    done.report.layers.emplace_back();
    prune_block(done, layer, plan, {heard, heard_against ? &*heard_against : nullptr});

    for (calibration_stream* text : {&read, against ? &*against : nullptr}) {
      if (text == nullptr) continue;
      if (plan.pass == pruning_pass::sequential) text->pass(done.model.block(layer), done.model.ffn(layer));
      text->advance();
    }
    told.piece_done();
  }
  return done;
}

}  // namespace fissile::unravel
