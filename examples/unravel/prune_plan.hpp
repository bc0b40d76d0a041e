// How a model is pruned by texts, and what came of it, layer by layer: plain data.
#pragma once

#include <fissile/detect/calibration_tally.hpp>
#include <fissile/prune/apply_mask.hpp>
#include <fissile/prune/refit_down.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fissile::unravel {

enum class score_rule { magnitude, wanda, wanda_ratio, sparsegpt, random };

/// What goes: single weights, which become 0 and save no byte, or whole neurons or experts, which are cut out.
enum class removed_unit { weights, neurons, experts };

/// Which matrices of a block lose single weights: all seven, as the papers have it, or the feed-forward layer's three.
enum class pruned_reach { block, feed_forward };

/// Whether a block is judged by what the dense model hands it, or by what the pruned blocks before it do.
enum class pruning_pass { one_shot, sequential };

/// Whether down is fitted anew to make up for the neurons that went.
enum class refitting { none, down };

/// How much each layer gives up: as much as every other, or less the more goes on in it.
enum class budget_rule {
  uniform,
  owl,   // the more outliers there are among the Wanda scores of its weights (prune/owl.hpp)
  level  // the larger the root mean square of its hidden activations; ours
};

/// What has a level of its own.
enum class budget_unit {
  block,  // all that is pruned of a block, pooled
  matrix  // every matrix; those of a kind, as all of attn_q, share out their total. owl, and single weights only
};

struct layer_budget {
  budget_rule rule = budget_rule::uniform;
  budget_unit unit = budget_unit::block;
  double lambda = 0.08;  // rates of layers lie within rate +- lambda
  double multiple = 5;   // owl: an outlier is a score above so many times the mean
};

struct prune_plan {
  score_rule score = score_rule::wanda;
  double rate = 0.5;                  // of the weights of each row, of the neurons or of the experts of each layer
  std::optional<n_of_m> groups = {};  // instead of the rate; single weights only
  removed_unit unit = removed_unit::weights;
  index_t experts = 0;  // of each layer, even slices; for removed_unit::experts
  layer_budget budget = {};
  pruned_reach reach = pruned_reach::block;
  pruning_pass pass = pruning_pass::one_shot;
  refitting refit = refitting::none;                  // whole neurons and experts only
  removal_order order = removal_order::lowest_first;  // highest_first is the ablation; single weights only
  padding_rule padding = padding_rule::masked;
  double eps = 1e-6;              // of wanda_ratio, see two_corpora
  std::uint64_t seed = 0;         // of random scores
  index_t error_positions = 256;  // about so many inputs of each matrix are kept to measure output errors on
};

/// A matrix that lost single weights.
struct masked_matrix {
  std::string name;  // as in the file: "attn_q", "ffn_down"
  weight_mask mask;
  double error = 0;  // || X W^T - X W'^T || / || X W^T ||, X some of the inputs that it was judged by
};

struct pruned_layer_report {
  std::vector<masked_matrix> matrices = {};  // where single weights went
  std::vector<index_t> kept_neurons = {};    // where neurons or experts went: the old numbers, ascending
  std::vector<double> levels = {};           // what the budget goes by: of the block, or of each matrix; uniform: none
  std::optional<refit_report> refitted = {};
  double ffn_error = 0;    // the same ratio for the feed-forward layer as a whole
  prune_report cost = {};  // of the feed-forward layer, in float
};

struct pruned_model_report {
  std::string plan = {};   // "wanda(en + de), unstructured(0.5), sequential"
  calibration_tally read;  // of the first layer's inputs: corpus, samples, positions
  mask_report masks = {};  // of single weights, over all layers
  prune_report cost = {};  // of all feed-forward layers, in float
  std::vector<pruned_layer_report> layers = {};
};

inline std::string name_of(score_rule score) {
  switch (score) {
    case score_rule::magnitude:
      return "magnitude";
    case score_rule::wanda:
      return "wanda";
    case score_rule::wanda_ratio:
      return "wanda_ratio";
    case score_rule::sparsegpt:
      return "sparsegpt";
    case score_rule::random:
      break;
  }
  return "random";
}

/// "uniform", "owl" or "level"
inline std::string name_of(budget_rule rule) {
  return rule == budget_rule::uniform ? "uniform" : rule == budget_rule::owl ? "owl" : "level";
}
/// "owl by block, lambda 0.08, above 5 means"
inline std::string to_string(const layer_budget& budget) {
  std::string text = name_of(budget.rule);
  if (budget.rule == budget_rule::uniform) return text;
  text += budget.unit == budget_unit::block ? " by block" : " by matrix";
  text += ", lambda " + short_number(budget.lambda);
  return budget.rule == budget_rule::owl ? text + ", above " + short_number(budget.multiple) + " means" : text;
}

/// In words, for reports and for the file that is written.
inline std::string to_string(const prune_plan& plan, const std::string& corpus) {
  const bool looks = plan.score != score_rule::magnitude && plan.score != score_rule::random;
  std::string text = name_of(plan.score) + (looks ? "(" + corpus + "), " : ", ");
  if (plan.unit == removed_unit::weights) {
    text += plan.groups ? plan.groups->name() : unstructured{.rate = plan.rate}.name();
    text += plan.reach == pruned_reach::block ? " of all matrices" : " of the feed-forward layers";
  } else {
    text += short_number(100 * plan.rate) + " % of the ";
    text += plan.unit == removed_unit::neurons ? "neurons" : std::to_string(plan.experts) + " experts";
    text += " of each layer";
  }
  if (plan.budget.rule != budget_rule::uniform) text += ", " + to_string(plan.budget);
  if (plan.order == removal_order::highest_first) text += ", highest first";
  text += plan.pass == pruning_pass::sequential ? ", sequential" : ", one shot";
  return text + (plan.refit == refitting::down ? ", down refitted" : "");
}

/// Throws setting_error for what does not go together. Rates and groups are refused by those who use them.
inline void check(const prune_plan& plan) {
  const auto refuse = [](const char* argument, const char* expected, const char* got, const char* cure) {
    fail<setting_error>({.argument = argument, .expected = expected, .got = got, .cure = cure});
  };
  const bool whole = plan.unit != removed_unit::weights;
  if (whole && plan.groups) {
    refuse("--nm", "single weights to go", "whole neurons or experts",
           "leave out --nm, --neurons and --experts but one");
  }
  if (whole && plan.score == score_rule::sparsegpt) {
    refuse("--score", "magnitude, wanda or random for whole neurons or experts", "sparsegpt",
           "wanda with --refit makes up for what went, too");
  }
  if (!whole && plan.refit == refitting::down) {
    refuse("--refit", "whole neurons or experts to go", "single weights", "add --neurons, or use --score sparsegpt");
  }
  if ((whole || plan.score == score_rule::sparsegpt) && plan.order == removal_order::highest_first) {
    refuse("order", "single weights by magnitude, wanda or random", "another way", "leave lowest_first");
  }
  const layer_budget& budget = plan.budget;
  if (plan.groups && budget.rule != budget_rule::uniform) {
    refuse("--budget", "a --rate to share out among layers", "--nm", "leave out one: N of M is the same in each layer");
  }
  if (budget.unit == budget_unit::matrix && (budget.rule != budget_rule::owl || whole)) {
    refuse("--per", "matrix with --budget owl and single weights", "another budget, or whole neurons or experts",
           "leave it out");
  }
  if (!(budget.lambda >= 0 && budget.lambda <= 0.5)) {
    refuse("--lambda", "from 0 to 0.5", "another number", "0.08 is usual");
  }
  if (!(budget.multiple > 0)) refuse("--above", "more than 0 means", "less", "5 is usual");
  if (plan.error_positions < 1) refuse("error_positions", "at least 1", "less", "256 is ours");
}

}  // namespace fissile::unravel
