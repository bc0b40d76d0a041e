// The batch seen from the experts: which tokens each of them works for.
#pragma once

#include <fissile/partition/partition.hpp>
#include <fissile/train/product.hpp>

#include <algorithm>
#include <vector>

namespace fissile {

/// Neighbouring experts that work for the same tokens, as one: large products are faster than small ones.
struct expert_run {
  picked_lines tokens, neurons;
};

/// Tokens grouped by expert; experts that work for none are in no run and cost nothing. Sized once.
class expert_runs {
public:
  expert_runs(index_t batch, index_t experts)
      : begin_(to_size(experts + 1)), tokens_(to_size(batch * experts)), runs_(to_size(experts)) {}

  /// Groups by weights that are not 0. weights: [tokens x experts]; the partition must outlive the runs.
  template <std::floating_point A>
  void group(matrix_view<const A> weights, const partition& experts) noexcept {
    Expects(weights.columns() == experts.experts() && experts.experts() < length(begin_));
    Expects(weights.rows() * weights.columns() <= length(tokens_));
    index_t end = 0;
    for (index_t expert = 0; expert < experts.experts(); ++expert) {
      begin_[to_size(expert)] = end;
      for (index_t token = 0; token < weights.rows(); ++token) {
        if (weights(token, expert) != A(0)) tokens_[to_size(end++)] = token;
      }
    }
    begin_[to_size(experts.experts())] = end;
    count_ = 0;
    for (index_t first = 0; first < experts.experts();) {
      index_t last = first + 1;
      while (last < experts.experts() && same_tokens(first, last)) ++last;
      if (!tokens(first).empty()) {
        runs_[to_size(count_++)] = {picked_lines::these(tokens(first)),
                                    picked_lines::these(experts.experts(first, last))};
      }
      first = last;
    }
  }

  /// Of the last grouping, experts ascending.
  vector_view<const expert_run> all() const noexcept { return {runs_.data(), count_}; }
  /// The tokens of one expert, ascending.
  vector_view<const index_t> tokens(index_t expert) const noexcept {
    const index_t begin = begin_[to_size(expert)];
    return {tokens_.data() + begin, begin_[to_size(expert) + 1] - begin};
  }

private:
  bool same_tokens(index_t a, index_t b) const noexcept {
    const auto left = tokens(a), right = tokens(b);
    return std::equal(left.begin(), left.end(), right.begin(), right.end());
  }

  std::vector<index_t> begin_;    // [experts + 1]
  std::vector<index_t> tokens_;   // [batch * experts]
  std::vector<expert_run> runs_;  // [experts]
  index_t count_ = 0;
};

}  // namespace fissile
