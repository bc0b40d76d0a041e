// Each expert takes the neurons that matter most to it: the gradient splits of LLaMA-MoE (Zhu et al. 2024,
// arXiv 2406.16554), from one list of scores for each expert, measured on texts of the expert's own.
//
//   independent     again and again the highest score of any (expert with room, neuron that is left)
//   sharing inter   first the neurons that most experts have among their own best, into experts that always work (the
//                   paper's residual block); then the others as above
//   sharing inner   each expert its own best, whoever else has them: not a partition, see overlapping_experts.hpp
#pragma once

#include <fissile/partition/partitioner.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

namespace fissile {

/// Every neuron, the highest score first; ties go to the lower neuron. Throws setting_error for a NaN.
inline std::vector<index_t> most_wanted_first(vector_view<const double> scores, std::string_view who) {
  if (std::any_of(scores.begin(), scores.end(), [](double score) { return std::isnan(score); })) {
    fail<setting_error>({.argument = std::string(who) + ": scores", .expected = "numbers", .got = "a NaN"});
  }
  std::vector<index_t> order = ascending(scores.length());
  std::stable_sort(order.begin(), order.end(), [&](index_t a, index_t b) { return scores[a] > scores[b]; });
  return order;
}

/// Independent where `shared` is 0, sharing inter elsewhere; then the shared experts come first, and row r of the
/// scores is that of expert shared + r. Ties go to the lower expert, then the lower neuron. (The code takes the lowest
/// scores first on request: negate them.)
struct importance_split {
  matrix_view<const double> scores;  // [experts - shared x neurons], higher is wanted more; borrowed; NaN is refused
  index_t shared = 0;                // experts, below the number asked for

  partition split(index_t experts) const {
    std::vector<std::vector<index_t>> lists =
        cut_evenly(ascending(scores.columns()), experts, "importance_split");  // for the sizes
    check(experts);
    std::vector<std::vector<index_t>> wishes;  // of each routed expert: neurons, the best first
    for (index_t r = 0; r < scores.rows(); ++r) wishes.push_back(most_wanted_first(scores.row(r), "importance_split"));
    std::vector<index_t> room;
    for (std::vector<index_t>& list : lists) {
      room.push_back(length(list));
      list.clear();
    }
    share_most_wanted(wishes, room, lists);
    deal(wishes, room, lists);
    return partition{std::move(lists), ascending(shared)};
  }
  template <element T>
  partition split(const ffn_weights<T>& ffn, index_t experts) const {
    check_shapes(ffn, "importance_split");
    if (scores.columns() != ffn.neurons()) {
      fail<shape_error>({.argument = "importance_split: scores",
                         .expected = std::to_string(ffn.neurons()) + " numbers a row, one a neuron",
                         .got = shape_of(scores)});
    }
    return split(experts);
  }

private:
  using lists_of_neurons = std::vector<std::vector<index_t>>;

  void check(index_t experts) const {
    if (shared < 0 || shared >= experts) {
      fail<setting_error>({.argument = "importance_split: shared",
                           .expected = "from 0 to " + std::to_string(experts - 1) + " experts",
                           .got = std::to_string(shared)});
    }
    if (scores.rows() == experts - shared) return;
    fail<shape_error>({.argument = "importance_split: scores",
                       .expected = std::to_string(experts - shared) + " rows, one an expert that is not shared",
                       .got = shape_of(scores)});
  }

  /// Each round looks at the best of what is left of every wish list, as many as the expert has room for, and shares
  /// those neurons that stand on the most lists, from the lowest on.
  void share_most_wanted(lists_of_neurons& wishes, const std::vector<index_t>& room, lists_of_neurons& lists) const {
    const index_t all = std::accumulate(room.begin(), room.begin() + shared, index_t{0});
    std::vector<index_t> chosen;
    while (length(chosen) < all) {
      std::vector<index_t> wanted(to_size(scores.columns()), 0);
      for (std::size_t r = 0; r < wishes.size(); ++r) {
        const index_t size = std::min(room[to_size(shared) + r], length(wishes[r]));
        for (index_t i = 0; i < size; ++i) ++wanted[to_size(wishes[r][to_size(i)])];
      }
      const index_t most = *std::max_element(wanted.begin(), wanted.end());
      for (index_t neuron = 0; neuron < scores.columns() && length(chosen) < all; ++neuron) {
        if (wanted[to_size(neuron)] == most) chosen.push_back(neuron);
      }
      std::vector<char> gone(to_size(scores.columns()), 0);
      for (index_t neuron : chosen) gone[to_size(neuron)] = 1;
      for (std::vector<index_t>& wish : wishes) {
        wish.erase(std::remove_if(wish.begin(), wish.end(), [&](index_t j) { return gone[to_size(j)] != 0; }),
                   wish.end());
      }
    }
    auto next = chosen.begin();
    for (index_t e = 0; e < shared; ++e) {
      lists[to_size(e)].assign(next, next + room[to_size(e)]);
      next += room[to_size(e)];
    }
  }

  /// All that stands on the wish lists, to the experts that are not shared.
  void deal(const lists_of_neurons& wishes, const std::vector<index_t>& room, lists_of_neurons& lists) const {
    std::vector<char> taken(to_size(scores.columns()), 0);
    std::vector<std::size_t> next(wishes.size(), 0);
    for (std::size_t left = wishes.front().size(); left > 0; --left) {
      index_t best = -1;
      double highest = 0;
      for (index_t r = 0; r < length(wishes); ++r) {
        if (length(lists[to_size(shared + r)]) == room[to_size(shared + r)]) continue;
        std::size_t& at = next[to_size(r)];
        while (taken[to_size(wishes[to_size(r)][at])] != 0) ++at;
        const double score = scores(r, wishes[to_size(r)][at]);
        if (best >= 0 && !(score > highest)) continue;
        best = r;
        highest = score;
      }
      const index_t neuron = wishes[to_size(best)][next[to_size(best)]];
      taken[to_size(neuron)] = 1;
      lists[to_size(shared + best)].push_back(neuron);
    }
  }
};

}  // namespace fissile
