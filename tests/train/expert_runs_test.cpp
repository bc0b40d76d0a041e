#include <fissile/train/expert_runs.hpp>

#include "train/problem.hpp"

namespace fissile::testing {
namespace {

std::vector<index_t> list_of(const picked_lines& lines) {
  std::vector<index_t> all;
  for (index_t i = 0; i < lines.count; ++i) all.push_back(lines.begin + (lines.picks == nullptr ? i : lines.picks[i]));
  return all;
}

TEST(expert_runs, hold_every_active_pair_once_and_no_other) {
  random_source random{1};
  for (int trial = 0; trial < 200; ++trial) {
    const index_t experts = 1 + random.below(9), neurons = experts + random.below(30), batch = 1 + random.below(20);
    const partition split = random_partition(random, neurons, experts);
    const double share = static_cast<double>(random.below(5)) / 4;
    std::vector<double> weights(to_size(batch * experts));
    for (double& weight : weights) weight = random.uniform() < share ? random.normal() : 0.0;
    expert_runs runs{batch + random.below(3), experts + random.below(3)};
    runs.group(matrix_view<const double>{weights.data(), batch, experts}, split);
    std::vector<int> seen(to_size(batch * neurons));
    for (const expert_run& run : runs.all()) {
      EXPECT_GT(run.tokens.count, 0);
      for (const index_t token : list_of(run.tokens)) {
        for (const index_t neuron : list_of(run.neurons)) ++seen[to_size(token * neurons + neuron)];
      }
    }
    const std::vector<index_t> owner = split.owners();
    for (index_t token = 0; token < batch; ++token) {
      for (index_t neuron = 0; neuron < neurons; ++neuron) {
        const double weight = weights[to_size(token * experts + owner[to_size(neuron)])];
        EXPECT_EQ(seen[to_size(token * neurons + neuron)], weight != 0 ? 1 : 0);
      }
    }
  }
}

TEST(expert_runs, join_neighbours_that_work_for_the_same_tokens) {
  const partition split{{{0, 1}, {2, 3}, {4}, {5}}};
  const std::vector<float> weights{1, 2, 0, 3, 4, 5, 0, 6, 0, 0, 0, 0.5f};
  expert_runs runs{3, 4};
  runs.group(matrix_view<const float>{weights.data(), 3, 4}, split);
  ASSERT_EQ(runs.all().length(), 2);
  EXPECT_EQ(list_of(runs.all()[0].tokens), (std::vector<index_t>{0, 1}));
  EXPECT_EQ(list_of(runs.all()[0].neurons), (std::vector<index_t>{0, 1, 2, 3}));
  EXPECT_EQ(runs.all()[0].neurons.picks, nullptr);
  EXPECT_EQ(list_of(runs.all()[1].tokens), (std::vector<index_t>{0, 1, 2}));
  EXPECT_EQ(list_of(runs.all()[1].neurons), (std::vector<index_t>{5}));
  EXPECT_TRUE(runs.tokens(2).empty());
  runs.group(matrix_view<const float>{weights.data(), 0, 4}, split);
  EXPECT_TRUE(runs.all().empty());
}

TEST(expert_runs, a_weight_that_is_no_number_is_not_zero) {
  const std::vector<float> weights{std::numeric_limits<float>::quiet_NaN()};
  expert_runs runs{1, 1};
  runs.group(matrix_view<const float>{weights.data(), 1, 1}, partition{{{0}}});
  EXPECT_EQ(runs.all().length(), 1);
}

}  // namespace
}  // namespace fissile::testing
