// Pruning for multilingual inference (Kim et al., Findings of EMNLP 2024, arXiv 2409.16911): Wanda, but what weighs the
// weights is how the model reads translations, so that features stay which are large there and small elsewhere. In the
// order of the method, known from the authors' code:
//
//   m_lk   = mean over inputs n of || H_l^(n)[:, k] ||_2,  H [positions x width]      add_states         (7.1, 7.2)
//
//   O(a,b) = 100 |top_r(m^a) & bottom_r(m^b)| / round(r d)                            overlap            (7.3)
//
//   text   = shots of "Source: s{eos}Target: t{eos}"                                  calibration_texts  (7.8)
//
//   S_j    = mean over samples of || X[:, j] ||_2^2,  score_ij = |W_ij| sqrt(S_j)     mask               (7.4, 7.5)
//
//   S'_j   = S_j^a S_j^a / S_j^b                                                      mask, of two       (7.7)
//
//   each weight goes by lot                                                           at_random          (7.9)
//
//   label  = argmax of sum of log P / tokens                                          label_score        (7.10)
//
//   agreement of two languages' orders of the candidates                              rank_consistency   (7.11)
//
// Block after block, the samples are read anew by what was pruned before (7.6): that loop is the caller's.
//
// What the code leaves open is a named choice, marked as ours.
#pragma once

#include <fissile/detect/feature_overlap.hpp>
#include <fissile/detect/input_moments.hpp>
#include <fissile/prune/wanda.hpp>
#include <fissile/prune/weight_mask.hpp>
#include <fissile/prune/weight_scores.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fissile::translation_pruning {

/// Where a candidate stands first: what "rank 1" means in rank_consistency.
enum class candidate_order {
  ascending,  // the least likely, as the authors' code sorts
  descending  // the likeliest, as RankC was published
};

/// By what a label's sum of log probabilities is divided.
enum class label_length {
  tokens,    // all tokens of the text, though the first is not predicted, as the code has it
  predicted  // those that were summed; ours
};

struct choices {
  double rate = 0.3;                                   // (7.5) on the command line in the code; this is its example
  std::optional<n_of_m> groups = {};                   // (7.5) instead of the rate
  removal_order order = removal_order::lowest_first;   // (7.5) highest_first is the code's ablation
  padding_rule padding = padding_rule::reference;      // (7.1, 7.8) the code counts positions that only pad
  double overlap = 0.4;                                // (7.3) r as the code has it; its figures are labelled 0.3
  index_t demonstrations = 4;                          // (7.8) shots of a sample
  index_t samples = 100;                               // (7.8)
  double eps = 1e-6;                                   // (7.7) ours, see two_corpora
  label_length length = label_length::tokens;          // (7.10)
  candidate_order ranks = candidate_order::ascending;  // (7.11)
};

/// (7.1) Magnitudes of the states before the first block and after each, to be filled by add_states and input_end.
inline feature_magnitudes large_features(index_t blocks, index_t width, std::string corpus) {
  return feature_magnitudes{{.layers = blocks + 1, .width = width, .corpus = std::move(corpus)}};
}
/// (7.1) Positions of the current input. states: [positions x width]; padding: [positions], not 0 where one only pads,
/// or empty. `found.input_end()` ends the input.
inline void add_states(feature_magnitudes& found, index_t layer, matrix_view<const float> states,
                       vector_view<const char> padding, const choices& chosen) {
  Expects(padding.empty() || padding.length() == states.rows());
  for (index_t position = 0; position < states.rows(); ++position) {
    const bool pads = !padding.empty() && padding[position] != 0;
    if (!pads || chosen.padding == padding_rule::reference) found.add(layer, states.rows(position, 1));
  }
}
/// (7.2) The `count` largest features of a layer, the largest first; the figures show 20.
inline std::vector<index_t> top_features(const feature_magnitudes& found, index_t layer, index_t count = 20) {
  std::vector<index_t> order = largest_first(found, layer);
  order.resize(std::min(order.size(), to_size(count)));
  return order;
}
/// (7.3) Per cent of a's top features that are among b's bottom features. [layers]
inline std::vector<double> overlap(const feature_magnitudes& a, const feature_magnitudes& b, const choices& chosen) {
  std::vector<double> shares = feature_overlap(a, b, chosen.overlap);
  for (double& share : shares) share *= 100;
  return shares;
}

/// A sentence and its translation.
struct sentence_pair {
  std::string source, target;
};
/// How a demonstration is written: "source: s{end}target: t{end}".
struct demonstration_form {
  std::string source, target;  // the languages' names
  std::string end = "\n";      // the model's end-of-sequence word in the code
};

/// (7.8) As many texts as are asked for, or as the pairs allow. As in the code each takes its shots and skips a pair.
/// Throws setting_error where there is not a whole one.
inline std::vector<std::string> calibration_texts(const std::vector<sentence_pair>& pairs,
                                                  const demonstration_form& form, const choices& chosen) {
  if (chosen.demonstrations < 1 || length(pairs) < chosen.demonstrations) {
    fail<setting_error>({.argument = "translation_pruning: demonstrations",
                         .expected = "from 1 to " + std::to_string(pairs.size()) + ", the sentence pairs given",
                         .got = std::to_string(chosen.demonstrations)});
  }
  std::vector<std::string> texts;
  for (index_t first = 0; length(texts) < chosen.samples && first + chosen.demonstrations <= length(pairs);
       first += chosen.demonstrations + 1) {
    std::string& text = texts.emplace_back();
    for (index_t shot = first; shot < first + chosen.demonstrations; ++shot) {
      const sentence_pair& pair = pairs[to_size(shot)];
      text += form.source + ": " + pair.source + form.end + form.target + ": " + pair.target + form.end;
    }
  }
  return texts;
}

/// (7.4) What the inputs of one matrix are measured with.
inline input_moments moments(index_t inputs, std::string corpus, const choices& chosen) {
  return input_moments{{.width = inputs, .padding = chosen.padding, .corpus = std::move(corpus)}};
}

/// (7.5) Every row loses floor(inputs * rate), or every group its share. Throws what mask_of throws.
template <stored_weight T, weight_score Score>
weight_mask mask_by(matrix_view<T> weights, const Score& score, const choices& chosen) {
  if (chosen.groups) return mask_of(weights, score, *chosen.groups, chosen.order);
  return mask_of(weights, score, unstructured{.rate = chosen.rate}, chosen.order);
}
/// (7.4, 7.5) weights: [outputs x inputs], inputs: of this very matrix.
template <stored_weight T>
weight_mask mask(matrix_view<T> weights, const input_moments& inputs, const choices& chosen) {
  return mask_by(weights, wanda{inputs}, chosen);
}
/// (7.7) The numerator is the text that is pruned for. In the code the hashing of names decides which it is.
template <stored_weight T>
weight_mask mask(matrix_view<T> weights, const input_moments& numerator, const input_moments& denominator,
                 const choices& chosen) {
  return mask_by(weights, wanda_ratio{{.numerator = numerator, .denominator = denominator, .eps = chosen.eps}}, chosen);
}
/// (7.9) Each weight goes with probability `rate`, whatever becomes of the others of its row. Throws setting_error for
/// a rate that is none.
template <stored_weight T>
weight_mask at_random(matrix_view<T> weights, std::uint64_t seed, const choices& chosen) {
  check_sparsity(unstructured{.rate = chosen.rate}, weights.columns(), "translation_pruning::at_random");
  weight_mask drawn = mask_of(weights, random_weights{.seed = seed}, unstructured{.rate = 0});
  drawn.sparsity = "each with probability " + short_number(chosen.rate);
  score_rows(weights, random_weights{.seed = seed}, [&](index_t output, vector_view<const double> lots) {
    for (index_t j = 0; j < lots.length(); ++j) {
      drawn.kept[to_size(output * drawn.inputs + j)] = lots[j] < chosen.rate ? 0 : 1;
    }
  });
  return drawn;
}

/// (7.10) log_probabilities: natural, of every token of a label's full text but the first. NaN for an empty text.
inline double label_score(vector_view<const double> log_probabilities, const choices& chosen) {
  if (log_probabilities.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double sum = std::accumulate(log_probabilities.begin(), log_probabilities.end(), 0.0);
  const index_t tokens = log_probabilities.length() + (chosen.length == label_length::tokens ? 1 : 0);
  return sum / static_cast<double>(tokens);
}
/// (7.10) The likeliest label; of equals the lowest. One that is NaN is never chosen; -1 where all are, or none is.
inline index_t best_label(vector_view<const double> scores) noexcept {
  index_t best = -1;
  for (index_t label = 0; label < scores.length(); ++label) {
    if (!std::isnan(scores[label]) && (best < 0 || scores[label] > scores[best])) best = label;
  }
  return best;
}

/// Candidates in rank order, of equals the lower first; those that are NaN come last.
inline std::vector<index_t> ranked(vector_view<const double> scores, candidate_order order) {
  std::vector<index_t> candidates(scores.size());
  std::iota(candidates.begin(), candidates.end(), index_t{0});
  const double sign = order == candidate_order::ascending ? 1.0 : -1.0;
  std::stable_sort(candidates.begin(), candidates.end(), [&](index_t a, index_t b) {
    if (std::isnan(scores[a]) || std::isnan(scores[b])) return !std::isnan(scores[a]) && std::isnan(scores[b]);
    return sign * scores[a] < sign * scores[b];
  });
  return candidates;
}

/// (7.11) RankC, mean over items of sum_j w_j |A[:j] & B[:j]| / j, with w the softmax of n - 1, n - 2 ... 0: 1 where
/// both languages order all candidates alike. a, b: [items][candidates], the same items in two languages; 0 for no
/// items. Throws shape_error where they do not fit together.
inline double rank_consistency(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b,
                               candidate_order order) {
  if (a.size() != b.size()) {
    fail<shape_error>({.argument = "rank_consistency: b",
                       .expected = std::to_string(a.size()) + " items, as a",
                       .got = std::to_string(b.size())});
  }
  double sum = 0;
  for (std::size_t item = 0; item < a.size(); ++item) {
    const index_t candidates = length(a[item]);
    if (length(b[item]) != candidates || candidates == 0) {
      fail<shape_error>({.argument = "rank_consistency: item " + std::to_string(item),
                         .expected = "candidates, as many in both",
                         .got = std::to_string(candidates) + " and " + std::to_string(b[item].size())});
    }
    const std::vector<index_t> in_a = ranked(a[item], order), in_b = ranked(b[item], order);
    std::vector<char> seen_in_a(to_size(candidates), 0), seen_in_b(seen_in_a);
    double weights = 0, agreement = 0;
    index_t common = 0;
    for (index_t j = 0; j < candidates; ++j) {
      seen_in_a[to_size(in_a[to_size(j)])] = seen_in_b[to_size(in_b[to_size(j)])] = 1;
      common += seen_in_b[to_size(in_a[to_size(j)])];
      if (in_a[to_size(j)] != in_b[to_size(j)]) common += seen_in_a[to_size(in_b[to_size(j)])];
      const double weight = std::exp(-static_cast<double>(j));
      weights += weight;
      agreement += weight * static_cast<double>(common) / static_cast<double>(j + 1);
    }
    sum += agreement / weights;
  }
  return a.empty() ? 0.0 : sum / static_cast<double>(a.size());
}

}  // namespace fissile::translation_pruning
