// An importance matrix in place of texts: a model is pruned by what others have measured, and what we have measured is
// written for others.
#pragma once

#include "calibrate_stream.hpp"
#include "progress.hpp"
#include "prune_block.hpp"
#include "prune_listeners.hpp"

#include <fissile/with/imatrix.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace fissile::unravel {

/// The matrices of a block, by where they read. What reads together was measured alike.
struct reading_matrix {
  const char* name;
  overheard_inputs block_inputs::*site;
};
inline constexpr std::array<reading_matrix, 7> reading_matrices{{{"attn_q", &block_inputs::attention},
                                                                 {"attn_k", &block_inputs::attention},
                                                                 {"attn_v", &block_inputs::attention},
                                                                 {"attn_output", &block_inputs::attended},
                                                                 {"ffn_gate", &block_inputs::tokens},
                                                                 {"ffn_up", &block_inputs::tokens},
                                                                 {"ffn_down", &block_inputs::hidden}}};

/// What a calibration run would have overheard of a block, but for Hessians and for inputs as they are.
/// Throws file_error that lists what was not measured, shape_error where it was measured with another model.
inline block_inputs inputs_of(const imatrix& seen, const engine::architecture& sizes, index_t layer) {
  const std::vector<std::string> names{block_weight(layer, "attn_q"), block_weight(layer, "attn_output"),
                                       block_weight(layer, "ffn_gate"), block_weight(layer, "ffn_down")};
  require_entries(seen, names);
  const auto heard = [&](std::size_t site, index_t width) {
    input_moments measured = moments_of(seen, names[site]);
    if (measured.width() != width) {
      fail<shape_error>({.argument = "imatrix: \"" + names[site] + "\"",
                         .expected = std::to_string(width) + " inputs, as the model has",
                         .got = std::to_string(measured.width()),
                         .cure = "it was measured with another model"});
    }
    return overheard_inputs{std::move(measured)};
  };
  return {.attention = heard(0, sizes.width),
          .attended = heard(1, sizes.query_width()),
          .tokens = heard(2, sizes.width),
          .hidden = heard(3, sizes.neurons)};
}

/// Throws setting_error for plans that need more than sums of squares.
inline void check_for_imatrix(const prune_plan& plan) {
  const auto refuse = [](const char* argument, const char* got) {
    fail<setting_error>({.argument = argument,
                         .expected = "--score wanda, all layers alike, no refit, with --imatrix",
                         .got = got,
                         .cure = "give texts with --text en=FILE"});
  };
  if (plan.score == score_rule::sparsegpt || plan.score == score_rule::wanda_ratio) refuse("--score", "another");
  if (plan.refit == refitting::down) refuse("--refit", "one that needs the inputs themselves");
  if (plan.pass == pruning_pass::sequential) refuse("--sequential", "one pass after the other");
  if (plan.budget.rule != budget_rule::uniform) refuse("--budget", "levels of layers");
}

/// As by texts, in one shot. Nobody has inputs to measure output errors on: they are NaN. Throws what `inputs_of`,
/// `check` and `check_for_imatrix` throw.
inline pruned_model prune_model(const engine::model<float>& weights, const imatrix& seen, const prune_plan& plan,
                                progress_style style = progress_style::silent) {
  check(plan);
  check_for_imatrix(plan);
  constexpr double not_measured = std::numeric_limits<double>::quiet_NaN();
  pruned_model done{
      .model = changed_model{weights},
      .report = {.plan = to_string(plan, corpus_of(seen)), .read = calibration_tally{{}, "calibration"}, .layers = {}}};
  progress told{"pruning", weights.sizes().layers, style};
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
    const block_inputs heard = inputs_of(seen, weights.sizes(), layer);  // as if overheard
    if (layer == 0) done.report.read = heard.attention.moments().read();
    done.report.layers.emplace_back();
    prune_block(done, layer, plan, {heard});
    pruned_layer_report& report = done.report.layers.back();
    for (masked_matrix& one : report.matrices) one.error = not_measured;
    report.ffn_error = not_measured;
    told.piece_done();
  }
  return done;
}

/// What every matrix of the dense model reads, for llama.cpp's quantiser and for everyone who reads these files.
inline imatrix measure_imatrix(const engine::model<float>& weights, const calibration_corpus& texts,
                               progress_style style = progress_style::silent) {
  calibration_stream read{weights, texts};
  imatrix made;
  made.datasets = {texts.name};
  made.chunks = static_cast<std::uint32_t>(texts.samples.size());
  for (const calibration_sample& sample : texts.samples) {
    made.chunk_tokens = std::max(made.chunk_tokens, static_cast<std::uint32_t>(sample.tokens.size()));
  }
  progress told{"measuring", weights.sizes().layers, style};
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
    block_inputs heard = listeners_for(weights, {.error_positions = 1}, read);
    read.pass(weights.block(layer), weights.ffn(layer), &heard);
    // [into an importance matrix]
    for (const reading_matrix& one : reading_matrices) {
      made.entries[block_weight(layer, one.name)] = entry_of((heard.*one.site).moments());
    }
    // [into an importance matrix]
    read.advance();
    told.piece_done();
  }
  return made;
}

}  // namespace fissile::unravel
