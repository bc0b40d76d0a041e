// A partition is a permutation cut into experts: everything else is refused with the reason.
#include <fissile/base/random.hpp>
#include <fissile/partition/partition.hpp>

#include "base/refusal.hpp"

#include <initializer_list>

namespace fissile {
namespace {

using testing::refusal;
using lists = std::vector<std::vector<index_t>>;

std::vector<index_t> listed(vector_view<const index_t> neurons) {
  return {neurons.begin(), neurons.end()};
}

TEST(partition, tells_what_it_was_given) {
  const partition split{{{5, 0}, {1}, {4, 2, 3}}, {2, 0}};
  EXPECT_EQ(split.experts(), 3);
  EXPECT_EQ(split.neurons(), 6);
  EXPECT_EQ(split.largest(), 3);
  EXPECT_EQ(listed(split.expert(0)), (std::vector<index_t>{0, 5}));  // ascending, whatever came
  EXPECT_EQ(listed(split.expert(1)), (std::vector<index_t>{1}));
  EXPECT_EQ(listed(split.expert(2)), (std::vector<index_t>{2, 3, 4}));
  EXPECT_EQ(listed(split.experts(0, 2)), (std::vector<index_t>{0, 5, 1}));
  EXPECT_EQ(listed(split.experts(0, 3)), (std::vector<index_t>{0, 5, 1, 2, 3, 4}));
  EXPECT_EQ(split.experts(1, 1).length(), 0);
  EXPECT_EQ(split.size(2), 3);
  EXPECT_EQ(split.offset(0), 0);
  EXPECT_EQ(split.offset(2), 3);
  EXPECT_EQ(split.offset(3), 6);
  EXPECT_EQ(split.owners(), (std::vector<index_t>{0, 1, 2, 2, 2, 0}));
  EXPECT_TRUE(split.shared(0));
  EXPECT_FALSE(split.shared(1));
  EXPECT_EQ(split.shared_experts(), (std::vector<index_t>{0, 2}));
}

TEST(partition, random_permutations_cut_anywhere_keep_every_neuron_once) {
  random_source random{1};
  for (int trial = 0; trial < 200; ++trial) {
    const index_t neurons = 1 + random.below(60);
    std::vector<index_t> order = ascending(neurons);
    shuffle(order, random);
    lists experts(1);
    std::vector<index_t> owner(to_size(neurons));
    for (index_t neuron : order) {
      if (!experts.back().empty() && random.below(4) == 0) experts.emplace_back();
      experts.back().push_back(neuron);
      owner[to_size(neuron)] = length(experts) - 1;
    }
    const partition split{experts};
    ASSERT_EQ(split.experts(), length(experts));
    ASSERT_EQ(split.neurons(), neurons);
    ASSERT_EQ(split.owners(), owner);
    index_t offset = 0, largest = 0;
    for (index_t e = 0; e < split.experts(); ++e) {
      std::sort(experts[to_size(e)].begin(), experts[to_size(e)].end());
      ASSERT_EQ(listed(split.expert(e)), experts[to_size(e)]);
      ASSERT_EQ(split.offset(e), offset);
      offset += split.size(e);
      largest = std::max(largest, split.size(e));
    }
    ASSERT_EQ(split.largest(), largest);
    ASSERT_TRUE(split.shared_experts().empty());
  }
}

TEST(partition, equals_what_holds_the_same) {
  const partition split{{{0, 1}, {2}}};
  EXPECT_EQ(split, (partition{{{1, 0}, {2}}}));
  EXPECT_NE(split, (partition{{{0}, {1, 2}}}));
  EXPECT_NE(split, (partition{{{2}, {0, 1}}}));       // experts have numbers
  EXPECT_NE(split, (partition{{{0, 1}, {2}}, {0}}));  // shared or not
  const partition copy = split;                       // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(copy, split);
}

std::string refused(const lists& experts, const std::vector<index_t>& shared = {}) {
  return refusal<setting_error>([&] { partition(experts, shared); });
}

TEST(partition, refuses_what_is_none) {
  EXPECT_EQ(refused({}), "partition: experts: expected at least one expert, got none");
  EXPECT_EQ(refused({{0}, {}, {1}}),
            "partition: expert 1: expected at least one neuron, got none; ask for fewer experts");
  EXPECT_EQ(refused({{0, 1}, {1, 2}}),
            "partition: neurons: expected each of 0 to 3 exactly once, got neuron 1 twice; every neuron belongs to "
            "exactly one expert; leave none out");
  EXPECT_EQ(refused({{0, 1}, {3}}),
            "partition: neurons: expected each of 0 to 2 exactly once, got neuron 3; every neuron belongs to exactly "
            "one expert; leave none out");
  EXPECT_EQ(refused({{-1, 0}}),
            "partition: neurons: expected each of 0 to 1 exactly once, got neuron -1; every neuron belongs to exactly "
            "one expert; leave none out");
}

TEST(partition, refuses_shared_experts_that_do_not_exist) {
  EXPECT_EQ(refused({{0}, {1}}, {2}), "partition: shared: expected experts from 0 to 1, got 2");
  EXPECT_EQ(refused({{0}, {1}}, {0, -1}), "partition: shared: expected experts from 0 to 1, got -1");
}

TEST(cut_evenly, gives_sizes_that_differ_by_at_most_one_the_longer_first) {
  random_source random{2};
  for (int trial = 0; trial < 200; ++trial) {
    const index_t neurons = 1 + random.below(200), experts = 1 + random.below(neurons);
    std::vector<index_t> order = ascending(neurons);
    shuffle(order, random);
    const lists cut = cut_evenly(order, experts, "test");
    ASSERT_EQ(length(cut), experts);
    std::vector<index_t> joined;
    for (index_t e = 0; e < experts; ++e) {
      const index_t size = length(cut[to_size(e)]);
      ASSERT_EQ(size, (neurons - e + experts - 1) / experts) << neurons << " in " << experts;
      joined.insert(joined.end(), cut[to_size(e)].begin(), cut[to_size(e)].end());
    }
    ASSERT_EQ(joined, order);
  }
}

TEST(cut_evenly, refuses_more_experts_than_neurons_and_less_than_one) {
  for (const index_t experts : {index_t{0}, index_t{-4}, index_t{9}}) {
    EXPECT_EQ(refusal<setting_error>([&] { cut_evenly(ascending(8), experts, "even_slices"); }),
              "even_slices: experts: expected from 1 to 8, the number of neurons, got " + std::to_string(experts));
  }
}

}  // namespace
}  // namespace fissile
