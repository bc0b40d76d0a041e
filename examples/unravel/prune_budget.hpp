// How much each layer of a model gives up: as much as every other, or less the more goes on in it while the dense model
// reads the texts.
//
// Whatever the levels, all layers together lose as much as with the same rate everywhere; where levels are equal, each
// loses as much.
#pragma once

#include "calibrate_model.hpp"
#include "prune_listeners.hpp"

#include <fissile/prune/owl.hpp>
#include <fissile/prune/sparsity.hpp>
#include <fissile/prune/wanda.hpp>

#include <cmath>
#include <functional>
#include <vector>

namespace fissile::unravel {

/// Plain data; empty where every layer gives up the plan's rate.
struct layer_rates {
  std::vector<std::vector<double>> levels = {};  // [layers][1, or matrices]
  std::vector<std::vector<double>> rates = {};   // [layers][matrices; 1 of neurons or experts]

  std::vector<double> levels_of(index_t layer) const {
    return levels.empty() ? std::vector<double>{} : levels[to_size(layer)];
  }
  /// As `block_evidence` wants them.
  vector_view<const double> of(index_t layer) const noexcept {
    return rates.empty() ? vector_view<const double>{} : vector_view<const double>{rates[to_size(layer)]};
  }
};

namespace detail {

struct heard_matrix {
  matrix_view<const float> weights;  // [outputs x inputs]
  const input_moments* inputs;
};

/// The matrices of a block that lose weights, in the order in which they do.
inline std::vector<heard_matrix> heard_matrices(const engine::model<float>& weights, index_t layer,
                                                const prune_plan& plan, const block_inputs& heard) {
  const engine::block_weights& block = weights.block(layer);
  const ffn_weights<float>& ffn = weights.ffn(layer);
  const input_moments &attention = heard.attention.moments(), &tokens = heard.tokens.moments();
  std::vector<heard_matrix> made;
  if (plan.unit == removed_unit::weights && plan.reach == pruned_reach::block) {
    made = {{block.query, &attention},
            {block.key, &attention},
            {block.value, &attention},
            {block.output, &heard.attended.moments()}};
  }
  made.insert(made.end(), {{ffn.gate, &tokens}, {ffn.up, &tokens}, {ffn.down, &heard.hidden.moments()}});
  return made;
}

/// `outlier_level` of the Wanda scores of all these, none of which is kept.
inline double pooled_outlier_level(vector_view<const heard_matrix> matrices, double multiple) {
  const auto each_score = [&](const std::function<void(double)>& what) {
    for (const heard_matrix& one : matrices) {
      score_rows(one.weights, wanda{*one.inputs}, [&](index_t, vector_view<const double> scores) {
        for (index_t j = 0; j < scores.length(); ++j) what(scores[j]);
      });
    }
  };
  double sum = 0;
  index_t count = 0, above = 0;
  each_score([&](double score) { sum += score, ++count; });
  const double limit = multiple * sum / static_cast<double>(count);
  each_score([&](double score) { above += score > limit ? 1 : 0; });
  return 100.0 * static_cast<double>(above) / static_cast<double>(count);
}

/// sqrt of the mean of h^2 over neurons and positions.
inline double root_mean_square(const input_moments& hidden) {
  double sum = 0;
  for (const double square : hidden.mean_squares()) sum += square;
  const auto samples = static_cast<double>(hidden.read().samples());
  return std::sqrt(sum * samples / static_cast<double>(hidden.read().positions()) /
                   static_cast<double>(hidden.width()));
}

inline std::vector<double> levels_of_block(const engine::model<float>& weights, index_t layer, const prune_plan& plan,
                                           const block_inputs& heard) {
  if (plan.budget.rule == budget_rule::level) return {root_mean_square(heard.hidden.moments())};
  const std::vector<heard_matrix> all = heard_matrices(weights, layer, plan, heard);
  if (plan.budget.unit == budget_unit::block) return {pooled_outlier_level(all, plan.budget.multiple)};
  std::vector<double> levels;
  for (const heard_matrix& one : all) levels.push_back(pooled_outlier_level({&one, 1}, plan.budget.multiple));
  return levels;
}

/// Of `whole` things in each layer, what goes. levels: [layers]
inline std::vector<index_t> removals_of(const layer_budget& how, double rate, std::vector<double> levels,
                                        index_t whole) {
  const std::vector<layer_size> sizes(levels.size(), {.experts = whole});
  if (how.rule == budget_rule::owl) {
    return owl{.rate = rate,
               .levels = std::move(levels),
               .lambda = how.lambda,
               .total = total_rounding::each_layer,
               .spread = rate_spread::lambda_around_rate}
        .removals(sizes);
  }
  const double lambda = lambda_within(levels, how.lambda);
  return by_level{.rate = rate, .levels = std::move(levels), .lambda = lambda, .total = total_rounding::each_layer}
      .removals(sizes);
}

}  // namespace detail

/// Rates for the levels, which are [layers][1, or matrices]. inputs: [matrices] of a row, or one number of neurons or
/// experts. Throws setting_error for rates that cannot be.
inline std::vector<std::vector<double>> rates_of(const std::vector<std::vector<double>>& levels,
                                                 const std::vector<index_t>& inputs, const prune_plan& plan) {
  std::vector<std::vector<double>> made(levels.size());
  for (std::size_t matrix = 0; matrix < inputs.size(); ++matrix) {
    std::vector<double> of_kind;
    for (const auto& of_layer : levels) of_kind.push_back(of_layer[of_layer.size() == 1 ? 0 : matrix]);
    const index_t whole = inputs[matrix];
    const bool masks = plan.unit == removed_unit::weights;
    if (masks) check_sparsity(unstructured{.rate = plan.rate}, whole, "prune");
    const double rate = masks ? exact_share(unstructured{.rate = plan.rate}.removed_of(whole), whole).rate : plan.rate;
    const std::vector<index_t> removed = detail::removals_of(plan.budget, rate, std::move(of_kind), whole);
    for (std::size_t layer = 0; layer < removed.size(); ++layer) {
      made[layer].push_back(exact_share(removed[layer], whole).rate);
    }
  }
  return made;
}

/// What each layer gives up. Throws as `calibration_stream` and `rates_of` do.
inline layer_rates rates_of(const engine::model<float>& weights, const calibration_corpus& texts,
                            const prune_plan& plan) {
  if (plan.budget.rule == budget_rule::uniform) return {};
  prune_plan lean = plan;  // nobody needs Hessians, or positions as they are
  lean.score = score_rule::wanda;
  lean.refit = refitting::none;
  lean.error_positions = 1;
  calibration_stream read{weights, texts};
  layer_rates made;
  std::vector<index_t> inputs;
  for (index_t layer = 0; layer < weights.sizes().layers; ++layer) {
    block_inputs heard = listeners_for(weights, lean, read);
    read.pass(weights.block(layer), weights.ffn(layer), &heard);
    read.advance();
    made.levels.push_back(detail::levels_of_block(weights, layer, plan, heard));
    if (layer > 0) continue;
    if (plan.unit == removed_unit::weights) {
      for (const auto& one : detail::heard_matrices(weights, 0, plan, heard)) inputs.push_back(one.weights.columns());
    } else {
      inputs = {plan.unit == removed_unit::neurons ? weights.sizes().neurons : plan.experts};
    }
  }
  made.rates = rates_of(made.levels, inputs, plan);
  return made;
}

}  // namespace fissile::unravel
