// LLaMA-MoE's gradient splits against plain code that follows the official one line by line.
#include <fissile/partition/importance_split.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

#include <limits>

namespace fissile {
namespace {

using testing::refusal;
using importance_lists = std::vector<std::vector<index_t>>;

std::vector<double> random_scores(random_source& random, index_t rows, index_t neurons) {
  std::vector<double> scores(to_size(rows * neurons));
  const index_t bound = random.below(2) == 0 ? 6 : 1000000;  // full of ties, or nearly free of them
  for (double& score : scores) score = static_cast<double>(random.below(bound));
  return scores;
}

importance_lists sorted_indices(matrix_view<const double> scores) {
  importance_lists sorted;
  for (index_t r = 0; r < scores.rows(); ++r) {
    sorted.push_back(ascending(scores.columns()));
    std::stable_sort(sorted.back().begin(), sorted.back().end(),
                     [&](index_t a, index_t b) { return scores(r, a) > scores(r, b); });
  }
  return sorted;
}

/// GradientSplitResidual.split_with_neuron_sharing: the neurons of the residual experts, in order.
std::vector<index_t> residual_labels(matrix_view<const double> scores, index_t residuals, index_t size) {
  importance_lists sorted = sorted_indices(scores);
  std::vector<index_t> labels;
  while (length(labels) < residuals * size) {
    std::vector<index_t> count(to_size(scores.columns()), 0);
    for (const std::vector<index_t>& indices : sorted) {
      for (index_t i = 0; i < std::min(size, length(indices)); ++i) ++count[to_size(indices[to_size(i)])];
    }
    for (index_t repeat = scores.rows(); repeat > 0; --repeat) {
      if (std::find(count.begin(), count.end(), repeat) == count.end()) continue;
      for (index_t j = 0; j < scores.columns() && length(labels) < residuals * size; ++j) {
        if (count[to_size(j)] == repeat) labels.push_back(j);
      }
      break;
    }
    for (std::vector<index_t>& indices : sorted) {
      importance_lists left(1);
      for (index_t j : indices) {
        if (std::find(labels.begin(), labels.end(), j) == labels.end()) left[0].push_back(j);
      }
      indices = left[0];
    }
  }
  return labels;
}

/// split_without_neuron_sharing, but that ties go to the lower expert: the highest score of all that is allowed.
importance_lists greedy_labels(matrix_view<const double> scores, const std::vector<index_t>& taken,
                               const std::vector<index_t>& room) {
  std::vector<char> used(to_size(scores.columns()), 0);
  for (index_t j : taken) used[to_size(j)] = 1;
  importance_lists labels(room.size());
  for (;;) {
    index_t expert = -1, neuron = -1;
    for (index_t r = 0; r < scores.rows(); ++r) {
      if (length(labels[to_size(r)]) == room[to_size(r)]) continue;
      for (index_t j = 0; j < scores.columns(); ++j) {
        if (used[to_size(j)] != 0) continue;
        if (expert >= 0 && scores(r, j) <= scores(expert, neuron)) continue;
        expert = r;
        neuron = j;
      }
    }
    if (expert < 0) return labels;
    labels[to_size(expert)].push_back(neuron);
    used[to_size(neuron)] = 1;
  }
}

TEST(importance_split, is_the_greedy_one_of_the_paper) {
  random_source random{1};
  for (int trial = 0; trial < 100; ++trial) {
    const index_t neurons = 1 + random.below(40), experts = 1 + random.below(std::min<index_t>(neurons, 7));
    const std::vector<double> scores = random_scores(random, experts, neurons);
    const matrix_view<const double> view{scores.data(), experts, neurons};
    std::vector<index_t> room;
    for (const auto& list : cut_evenly(ascending(neurons), experts, "test")) room.push_back(length(list));
    const importance_split policy{.scores = view};
    ASSERT_EQ(policy.split(experts), partition{greedy_labels(view, {}, room)}) << "trial " << trial;
  }
}

TEST(importance_split, shares_what_most_experts_want) {
  random_source random{2};
  for (int trial = 0; trial < 100; ++trial) {
    const index_t residuals = 1 + random.below(3), routed = 1 + random.below(5), size = 1 + random.below(8);
    const index_t experts = residuals + routed, neurons = experts * size;
    const std::vector<double> scores = random_scores(random, routed, neurons);
    const matrix_view<const double> view{scores.data(), routed, neurons};
    const std::vector<index_t> residual = residual_labels(view, residuals, size);
    importance_lists expected;
    for (index_t e = 0; e < residuals; ++e) {
      expected.emplace_back(residual.begin() + e * size, residual.begin() + (e + 1) * size);
    }
    for (auto& list : greedy_labels(view, residual, std::vector<index_t>(to_size(routed), size))) {
      expected.push_back(std::move(list));
    }
    const partition split = importance_split{.scores = view, .shared = residuals}.split(experts);
    ASSERT_EQ(split, (partition{std::move(expected), ascending(residuals)})) << "trial " << trial;
  }
}

TEST(importance_split, by_hand) {
  // Both experts want neuron 2 most; the first wants it more.
  const std::vector<double> scores{1, 0, 9, 3,  //
                                   4, 5, 8, 0};
  const matrix_view<const double> view{scores.data(), 2, 4};
  EXPECT_EQ(importance_split{.scores = view}.split(2), (partition{{{2, 3}, {0, 1}}}));
  const std::vector<double> three{1, 0, 9, 3, 0, 0,  //
                                  4, 5, 8, 0, 0, 0};
  const importance_split sharing{.scores = {three.data(), 2, 6}, .shared = 1};
  // Both have neuron 2 among their best two; of what is left 3 and 0 are those of the one, 1 and 0 of the other.
  EXPECT_EQ(sharing.split(3), (partition{{{0, 2}, {3, 4}, {1, 5}}, {0}}));
}

TEST(importance_split, refuses_what_cannot_be) {
  std::vector<double> scores(8, 1.0);
  const importance_split policy{.scores = {scores.data(), 2, 4}};
  EXPECT_EQ(refusal<setting_error>([&] { policy.split(5); }),
            "importance_split: experts: expected from 1 to 4, the number of neurons, got 5");
  EXPECT_EQ(refusal<shape_error>([&] { policy.split(3); }),
            "importance_split: scores: expected 3 rows, one an expert that is not shared, got [2 x 4]");
  const importance_split all_shared{.scores = policy.scores, .shared = 2};
  EXPECT_EQ(refusal<setting_error>([&] { all_shared.split(2); }),
            "importance_split: shared: expected from 0 to 1 experts, got 2");
  random_source random{3};
  const auto ffn = testing::random_ffn<float>(random, {.width = 2, .neurons = 5});
  EXPECT_EQ(refusal<shape_error>([&] { policy.split(ffn.view(), 2); }),
            "importance_split: scores: expected 5 numbers a row, one a neuron, got [2 x 4]");
  scores[6] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(refusal<setting_error>([&] { policy.split(2); }), "importance_split: scores: expected numbers, got a NaN");
}

}  // namespace
}  // namespace fissile
