// Unraveling Babel (Liu et al., EMNLP 2024, arXiv 2402.16367): a dense model seen as a fine-grained mixture, the
// experts that each language activates, and two uses of their frequencies: routing among the frequent ones, and
// pruning.
//
// What we know of the paper are its abstracts, which tell no numbers and no formulas: every choice below is ours and
// has a name, most of them in `babel::choices`. In the order of the method:
//
//   (a) E_e = s neurons of D, so that there are N = D / s experts                         babel::split
//   (b) h(x) = act(gate x) * (up x)
//   (c) g_e(x) = reduce over j in E_e of phi(h_j)                                         oracle_scorer
//   (d) A(x) = the k experts of highest g, k = max(1, round(rho N))                       babel::gate
//   (e) F[label][layer][e] = tokens x with e in A(x) / tokens                             activation_counts
//   (f) frequent, shared and language-only experts; similarity of languages               babel::sets, babel::distances
//   (g) A(x) among the most frequent experts only; or the others removed                  babel::by_frequency
//   (h) more removed from layers that are less active, at the same total                  babel::layer_rates
#pragma once

#include <fissile/count/clustering.hpp>
#include <fissile/count/similarity.hpp>
#include <fissile/prune/apply.hpp>
#include <fissile/prune/budgets.hpp>
#include <fissile/prune/decide.hpp>
#include <fissile/prune/keep_busiest.hpp>
#include <fissile/prune/levels.hpp>
#include <fissile/prune/random_order.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/oracle_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/squashes.hpp>
#include <fissile/route/top_k.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace fissile::babel {

/// All ours, as are phi and reduce of oracle_scorer, the partitioner, and what rules and levels one chooses.
struct choices {
  index_t expert_neurons = 16;  // (a) s, at least 1
  double active = 0.25;         // (d) rho, the share of a layer's experts that a token activates
  double frequent = 0.25;       // (f) q, the share of a layer's experts that are called frequent
  double given_up = 0.25;       // (g) the share of experts that are never chosen, or removed
  double lambda = 0.1;          // (h) how far apart the rates of two layers may be
};

/// (a) N = max(1, round(D / s)). Throws setting_error for s < 1.
inline index_t experts_of(index_t neurons, const choices& chosen) {
  if (chosen.expert_neurons < 1) {
    fail<setting_error>(
        {.argument = "babel: expert_neurons", .expected = "at least 1", .got = std::to_string(chosen.expert_neurons)});
  }
  return std::max<index_t>(1, (neurons + chosen.expert_neurons / 2) / chosen.expert_neurons);
}

/// (a) Every dense layer as experts, by any partitioner: even_slices are the contiguous blocks.
template <element T, partitioner<T> Split>
std::vector<partition> split(const std::vector<ffn_weights<T>>& layers, const Split& by, const choices& chosen) {
  std::vector<partition> made;
  for (const ffn_weights<T>& ffn : layers) made.push_back(by.split(ffn, experts_of(ffn.neurons(), chosen)));
  return made;
}

/// (d) k = max(1, round(rho N)), halves up. Throws setting_error unless 0 <= rho <= 1.
inline index_t active_of(index_t experts, const choices& chosen) {
  if (!(chosen.active >= 0 && chosen.active <= 1)) {
    fail<setting_error>({.argument = "babel: active", .expected = "from 0 to 1", .got = short_number(chosen.active)});
  }
  return std::max<index_t>(1, rounded_share(chosen.active, experts));
}

/// (c, d, g) The gate that every token passes: top-k of the scores, among these candidates only. Where they are fewer
/// than k, all of them work.
template <scorer Scorer>
auto gate(Scorer score, const choices& chosen, const expert_set& candidates) {
  std::vector<char> allowed(to_size(score.experts()), 0);
  for (const index_t expert : candidates) {
    Expects(expert >= 0 && expert < score.experts());
    allowed[to_size(expert)] = 1;
  }
  const top_k best{.k = active_of(score.experts(), chosen)};
  return router{std::move(score), no_squash{}, among<top_k>{best, std::move(allowed)}};
}
/// Among all experts: what is counted with.
template <scorer Scorer>
auto gate(Scorer score, const choices& chosen) {
  const expert_set all = ascending(score.experts());
  return gate(std::move(score), chosen, all);
}

/// (f) The experts of a layer, by whom they serve.
struct language_sets {
  std::vector<expert_set> frequent;  // H[label]
  expert_set shared;                 // the intersection of all H
  std::vector<expert_set> only;      // H[label] without the union of the others
};
/// `rule` makes H: most_frequent{.share = q}, frequency_at_least{.threshold = theta}, or one of the user's.
template <frequency_rule Rule>
language_sets sets(const activation_counts& counts, index_t layer, const Rule& rule) {
  language_sets found{.frequent = {}, .shared = common_to_all(counts, layer, rule), .only = {}};
  for (index_t label = 0; label < length(counts.labels()); ++label) {
    found.frequent.push_back(rule(counts.of(label, layer)));
    found.only.push_back(only_for(counts, label, layer, rule));
  }
  return found;
}

/// (f) How far apart two languages are in one layer, 0 where they are alike: 1 - |H_a & H_b| / |H_a | H_b|, one minus
/// the cosine of F_a and F_b, and the Jensen-Shannon divergence of F / sum F, which is jensen_shannon as it stands.
inline auto jaccard_distance(const choices& chosen) {
  return [rule = most_frequent{.share = chosen.frequent}](const layer_counts& a, const layer_counts& b) {
    return 1 - jaccard(rule(a), rule(b));
  };
}
inline double cosine_distance(const layer_counts& a, const layer_counts& b) {
  return 1 - cosine(a, b);
}

/// (f) Mean over layers: what average_linkage makes families of. [labels x labels]
template <class Measure>
distance_table distances(const activation_counts& counts, const Measure& measure) {
  const std::size_t labels = counts.labels().size();
  distance_table mean(labels, std::vector<double>(labels, 0.0));
  for (index_t layer = 0; layer < counts.layers(); ++layer) {
    const distance_table of_layer = between_labels(counts, layer, measure);
    for (std::size_t a = 0; a < labels; ++a) {
      for (std::size_t b = 0; b < labels; ++b) mean[a][b] += of_layer[a][b] / static_cast<double>(counts.layers());
    }
  }
  return mean;
}

/// (g) What a language uses least is given up. One verdict serves both uses: `gate(score, chosen, verdict.kept(layer))`
/// activates sparsely among what stays, `apply(ffn, split, verdict, layer)` removes what goes.
template <budget Budget>
verdict by_frequency(const activation_counts& counts, const std::string& label, const Budget& within,
                     const std::vector<partition>& layers) {
  return decide(keep_busiest{usage::of_label(counts, label)}, within, layers);
}
/// (g) The baseline: as many experts of each layer, drawn by lot.
template <budget Budget>
verdict at_random(std::uint64_t seed, const Budget& within, const std::vector<partition>& layers) {
  return decide(random_order{.seed = seed}, within, layers);
}

/// (g) The same share of every layer.
inline uniform same_rate(const choices& chosen) {
  return {.rate = chosen.given_up};
}

/// (h) The level of a layer: the share of its experts with F >= rho, as often as if all were used alike.
inline std::vector<double> activity(const activation_counts& counts, const std::string& label, const choices& chosen) {
  return busy_levels(counts, label, chosen.active);
}
/// (h) rate_l = rate - lambda (level_l - mean level) / (highest - lowest), in whole experts, the total that of
/// same_rate. `levels`: `activity`, or others where high means that less should go.
inline by_level layer_rates(std::vector<double> levels, const choices& chosen) {
  return {.rate = chosen.given_up,
          .levels = std::move(levels),
          .lambda = chosen.lambda,
          .meaning = level_meaning::high_removes_less,
          .total = total_rounding::each_layer};
}

}  // namespace fissile::babel
