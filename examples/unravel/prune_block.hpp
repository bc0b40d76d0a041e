// One block is pruned by what was overheard of its inputs: single weights set to 0, or whole neurons cut out.
#pragma once

#include "calibrate_model.hpp"
#include "prune_plan.hpp"

#include <fissile/partition/even_slices.hpp>
#include <fissile/prune/budgets.hpp>
#include <fissile/prune/decide.hpp>
#include <fissile/prune/neuron_scores.hpp>
#include <fissile/prune/output_error.hpp>
#include <fissile/prune/random_order.hpp>
#include <fissile/prune/sparsegpt.hpp>
#include <fissile/prune/wanda.hpp>
#include <fissile/prune/weight_scores.hpp>

#include <cmath>
#include <utility>

namespace fissile::unravel {

/// Borrows the model that was pruned.
struct pruned_model {
  changed_model model;
  pruned_model_report report;
};

/// What a block is judged by, and how much of it goes.
struct block_evidence {
  const block_inputs& inputs;
  const block_inputs* against = nullptr;  // the denominators of wanda_ratio, else nobody
  vector_view<const double> rates = {};   // of its matrices in their order, or one for all; empty: the plan's own

  double rate(std::size_t matrix, const prune_plan& plan) const noexcept {
    return rates.empty() ? plan.rate : rates[rates.size() == 1 ? 0 : static_cast<index_t>(matrix)];
  }
};

/// Calls use(score) with the weight score that the plan names, for a matrix that reads at `site`. Not for sparsegpt.
template <class Use>
auto with_score(const prune_plan& plan, const block_evidence& from, overheard_inputs block_inputs::*site,
                std::uint64_t lot, const Use& use) {
  if (plan.score == score_rule::magnitude) return use(weight_magnitude{});
  if (plan.score == score_rule::random) return use(random_weights{.seed = lot});
  const input_moments& inputs = (from.inputs.*site).moments();
  if (plan.score == score_rule::wanda) return use(wanda{inputs});
  Expects(plan.score == score_rule::wanda_ratio && from.against != nullptr);
  return use(wanda_ratio{{.numerator = inputs, .denominator = (from.against->*site).moments(), .eps = plan.eps}});
}

/// weights: [outputs x inputs], changed in place.
inline weight_mask prune_matrix(matrix_view<float> weights, const prune_plan& plan, const block_evidence& from,
                                overheard_inputs block_inputs::*site, std::uint64_t lot) {
  const auto by_share = [&](const auto& act) {
    return plan.groups ? act(*plan.groups) : act(unstructured{.rate = plan.rate});
  };
  if (plan.score == score_rule::sparsegpt) {
    return by_share([&](auto share) { return sparsegpt{}.prune(weights, (from.inputs.*site).hessian(), share); });
  }
  return with_score(plan, from, site, lot, [&](const auto& score) {
    weight_mask mask = by_share([&](auto share) { return mask_of(weights, score, share, plan.order); });
    apply_mask(weights, mask);
    return mask;
  });
}

/// || FFN(x) - FFN'(x) || / || FFN(x) || over tokens; 0 where nothing changed, NaN where only FFN(x) is 0.
inline double feed_forward_error(const ffn_weights<float>& before, const ffn_weights<float>& after,
                                 matrix_view<const float> tokens) {
  hidden_activations hidden_of;
  std::vector<float> expected(to_size(tokens.rows() * tokens.columns())), got(expected.size());
  engine::linear(hidden_of(before, tokens), before.down, {expected.data(), tokens.rows(), tokens.columns()});
  engine::linear(hidden_of(after, tokens), after.down, {got.data(), tokens.rows(), tokens.columns()});
  double apart = 0, whole = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double old = static_cast<double>(expected[i]), difference = old - static_cast<double>(got[i]);
    apart += difference * difference;
    whole += old * old;
  }
  return apart > 0 ? std::sqrt(apart / whole) : 0.0;
}

/// Single weights of a block's matrices go.
inline void prune_weights(changed_block& block, const prune_plan& plan, const block_evidence& from, std::uint64_t lot,
                          pruned_layer_report& report) {
  const auto prune = [&](const char* name, std::vector<float>& numbers, overheard_inputs block_inputs::*site) {
    const matrix_view<const float> x = (from.inputs.*site).kept();
    const matrix_view<float> weights{numbers.data(), length(numbers) / x.columns(), x.columns()};
    const std::vector<float> before = numbers;
    prune_plan own = plan;
    own.rate = from.rate(report.matrices.size(), plan);
    masked_matrix made{.name = name, .mask = prune_matrix(weights, own, from, site, lot++)};
    made.error = output_error(x, matrix_view<const float>{before.data(), weights.rows(), weights.columns()}, weights);
    report.matrices.push_back(std::move(made));
  };
  if (plan.reach == pruned_reach::block) {
    prune("attn_q", block.query, &block_inputs::attention);
    prune("attn_k", block.key, &block_inputs::attention);
    prune("attn_v", block.value, &block_inputs::attention);
    prune("attn_output", block.output, &block_inputs::attended);
  }
  prune("ffn_gate", block.ffn.gate, &block_inputs::tokens);
  prune("ffn_up", block.ffn.up, &block_inputs::tokens);
  prune("ffn_down", block.ffn.down, &block_inputs::hidden);
}

/// Which neurons go, one by one or in experts: those whose weights score least together.
inline verdict judge_neurons(const ffn_weights<float>& ffn, const partition& split, const prune_plan& plan,
                             const block_evidence& from, std::uint64_t lot) {
  const uniform within{.rate = from.rate(0, plan)};
  const vector_view<const partition> layers{&split, 1};
  if (plan.score == score_rule::random) return decide(random_order{.seed = lot}, within, layers);
  return with_score(plan, from, &block_inputs::tokens, lot, [&](const auto& on_input) {
    return with_score(plan, from, &block_inputs::hidden, lot, [&](const auto& on_hidden) {
      const neuron_scores scores{
          .score = on_input.name(), .layers = {score_neurons(ffn, on_input, on_hidden)}, .from = on_input.seen()};
      return decide(keep_highest{scores}, within, layers);
    });
  });
}

/// Whole neurons of the feed-forward layer are cut out.
inline void prune_neurons(changed_block& block, const prune_plan& plan, const block_evidence& from, std::uint64_t lot,
                          pruned_layer_report& report) {
  const owned_ffn<float> old = block.ffn;
  const ffn_weights<float> ffn = old.view();
  const partition split = even_slices{}.split(ffn, plan.unit == removed_unit::neurons ? ffn.neurons() : plan.experts);
  pruned_ffn<float> smaller = apply(ffn, split, judge_neurons(ffn, split, plan, from, lot), 0);
  if (plan.refit == refitting::down) report.refitted = refit_down(smaller, ffn, from.inputs.hidden.hessian());
  report.kept_neurons = std::move(smaller.kept_neurons);
  report.cost = smaller.report;
  block.ffn = std::move(smaller.ffn);
}

/// Prunes a block of done.model, which is still as the old model has it, and fills the last layer of the report.
inline void prune_block(pruned_model& done, index_t layer, const prune_plan& plan, const block_evidence& from) {
  pruned_layer_report& report = done.report.layers.back();
  const std::uint64_t lot = plan.seed * 1000003 + static_cast<std::uint64_t>(layer) * 16;  // a draw of its own for each
  if (plan.unit == removed_unit::weights) {
    prune_weights(done.model.change(layer), plan, from, lot, report);
  } else {
    prune_neurons(done.model.change(layer), plan, from, lot, report);
  }
  done.report.cost += report.cost;
  for (const masked_matrix& one : report.matrices) {
    const std::uint64_t weights = one.mask.kept.size();
    done.report.masks += {.matrices = 1,
                          .weights = weights,
                          .removed = static_cast<std::uint64_t>(one.mask.removed()),
                          .bytes = weights * sizeof(float)};
  }
  report.ffn_error = feed_forward_error(done.model.base().ffn(layer), done.model.ffn(layer), from.inputs.tokens.kept());
}

}  // namespace fissile::unravel
