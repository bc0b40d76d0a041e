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

#include "progress.hpp"
#include "prune_block.hpp"
#include "prune_budget.hpp"

#include <optional>
#include <utility>

namespace fissile::unravel {

struct calibration_texts {
  calibration_corpus samples;       // what the model is pruned for
  calibration_corpus against = {};  // the denominator of wanda_ratio; for others nothing
};

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
  const layer_rates budget = rates_of(weights, texts.samples, plan);
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

    done.report.layers.push_back({.levels = budget.levels_of(layer)});
    prune_block(done, layer, plan, {heard, heard_against ? &*heard_against : nullptr, budget.of(layer)});

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
