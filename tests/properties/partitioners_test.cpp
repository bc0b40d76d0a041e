// What every partitioner promises: each neuron once, as many experts as asked for, the same split each time.
#include "properties/all_partitioners.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

TEST(every_partitioner, gives_each_neuron_to_one_expert_evenly_and_again_the_same) {
  random_source random{1};
  for (int trial = 0; trial < 150; ++trial) {
    const auto owned = testing::random_ffn<bf16>(random, testing::random_shape(random));
    const index_t neurons = owned.neurons, experts = 1 + random.below(neurons);
    testing::for_every_partitioner(random, neurons, experts, [&](const char* name, const auto& policy) {
      static_assert(partitioner<std::remove_cvref_t<decltype(policy)>, bf16>);
      const partition split = policy.split(owned.view(), experts);
      ASSERT_EQ(split.experts(), experts) << name;
      ASSERT_EQ(split.neurons(), neurons) << name;
      std::vector<index_t> seen(to_size(neurons), 0);
      for (index_t e = 0; e < experts; ++e) {
        ASSERT_TRUE(split.size(e) == neurons / experts || split.size(e) == (neurons + experts - 1) / experts) << name;
        for (index_t neuron : split.expert(e)) ++seen[to_size(neuron)];
      }
      ASSERT_EQ(seen, std::vector<index_t>(to_size(neurons), 1)) << name;
      ASSERT_EQ(policy.split(owned.view(), experts), split) << name;
    });
  }
}

TEST(every_partitioner, refuses_more_experts_than_neurons) {
  random_source random{2};
  const auto owned = testing::random_ffn<float>(random, {.width = 3, .neurons = 7});
  testing::for_every_partitioner(random, 7, 7, [&](const char* name, const auto& policy) {
    for (const index_t experts : {index_t{8}, index_t{0}, index_t{-1}}) {
      EXPECT_THROW(policy.split(owned.view(), experts), setting_error) << name << ' ' << experts;
    }
  });
}

}  // namespace
}  // namespace fissile
