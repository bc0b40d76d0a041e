// Experts that share neurons: each has its own best, and the gathered weights run as the lists say.
#include <fissile/partition/borrowed_experts.hpp>
#include <fissile/partition/overlapping_experts.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/exactness.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace {

using testing::refusal;

TEST(own_best, are_the_highest_scores_whoever_else_has_them) {
  const std::vector<double> scores{1, 5, 5, 9,  //
                                   7, 0, 0, 8};
  EXPECT_EQ(own_best({scores.data(), 2, 4}, 2), (neuron_lists{{3, 1}, {3, 0}}));
  EXPECT_EQ(own_best({scores.data(), 2, 4}, 4), (neuron_lists{{3, 1, 2, 0}, {3, 0, 1, 2}}));
}

/// y of the chosen experts at weight 1, in double, a neuron as often as it is listed by them.
template <element T>
std::vector<double> listed_outputs(const ffn_weights<T>& ffn, const neuron_lists& lists, const std::vector<float>& x) {
  std::vector<double> y(to_size(ffn.width()), 0.0);
  for (const std::vector<index_t>& list : lists) {
    for (index_t j : list) {
      const double h = hidden_of<double>(ffn, silu{}, j, x.data());
      for (index_t i = 0; i < ffn.width(); ++i) y[to_size(i)] += h * widen<double>(ffn.down(i, j));
    }
  }
  return y;
}

TEST(gather, runs_each_neuron_as_often_as_it_is_listed) {
  random_source random{1};
  for (int trial = 0; trial < 40; ++trial) {
    testing::layer_shape shape = testing::random_shape(random);
    shape.biased = testing::biases::absent;
    const auto ffn = testing::random_ffn<bf16>(random, shape);
    const index_t experts = 1 + random.below(5), size = 1 + random.below(ffn.neurons);
    const auto scores = testing::random_numbers<double>(random, experts * ffn.neurons);
    const neuron_lists lists = own_best({scores.data(), experts, ffn.neurons}, size);
    const owned_stack<bf16> stack = gather(ffn.view(), lists);
    const sparse_ffn run{borrow(stack.view()), silu{}};
    ASSERT_EQ(run.experts(), experts);
    ASSERT_EQ(run.neurons(), experts * size);
    workspace work{run, {.batch = 1}};
    work.start(1);
    neuron_lists chosen;
    for (index_t e = 0; e < experts; ++e) {
      if (random.below(2) == 0) continue;
      work.routes()[0].append({e, 1.0f});
      chosen.push_back(lists[to_size(e)]);
    }
    const auto x = testing::random_numbers<float>(random, ffn.width);
    std::vector<float> y(x.size());
    run({x.data(), 1, ffn.width}, work, {y.data(), 1, ffn.width});
    const std::vector<double> expected = listed_outputs(ffn.view(), chosen, x);
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 1e-4) << "trial " << trial;
  }
}

/// Where no neuron is shared the invariant holds.
TEST(gather, of_a_partition_is_the_dense_layer) {
  random_source random{2};
  for (int trial = 0; trial < 30; ++trial) {
    const index_t experts = 1 + random.below(6), size = 1 + random.below(12), width = 1 + random.below(20);
    const auto ffn = testing::random_ffn<float>(random, {.width = width, .neurons = experts * size});
    const partition split = shuffled{.seed = random.bits()}.split(ffn.neurons, experts);
    neuron_lists lists;
    for (index_t e = 0; e < experts; ++e) lists.emplace_back(split.expert(e).begin(), split.expert(e).end());
    const owned_stack<float> stack = gather(ffn.view(), lists);
    const sparse_ffn run{borrow(stack.view()), silu{}};
    workspace work{run, {.batch = 5}};
    work.choose_all(5, experts);
    const auto x = testing::random_numbers<float>(random, 5 * width);
    std::vector<float> y(x.size());
    run({x.data(), 5, width}, work, {y.data(), 5, width});
    ASSERT_LE(exactness(ffn.view(), silu{}, {x.data(), 5, width}, {y.data(), 5, width}), exactness_bound);
  }
}

TEST(overlapping_experts, refuse_what_cannot_be) {
  random_source random{3};
  const auto ffn = testing::random_ffn<float>(random, {.width = 2, .neurons = 4});
  const std::vector<double> scores(8, 1.0);
  EXPECT_EQ(refusal<setting_error>([&] {
              own_best({scores.data(), 2, 4}, 5);
            }),
            "own_best: size: expected from 1 to 4, the number of neurons, got 5");
  EXPECT_EQ(refusal<setting_error>([&] { gather(ffn.view(), {}); }),
            "gather: lists: expected at least one expert of at least one neuron, got none");
  EXPECT_EQ(refusal<shape_error>([&] {
              gather(ffn.view(), {{0, 1}, {2}});
            }),
            "gather: lists: expected experts of 2 neurons, as the first, got 1");
  EXPECT_EQ(refusal<setting_error>([&] {
              gather(ffn.view(), {{0, 4}});
            }),
            "gather: lists: expected neurons from 0 to 3, got 4");
  const auto biased =
      testing::random_ffn<float>(random, {.width = 2, .neurons = 4, .biased = testing::biases::present});
  EXPECT_EQ(refusal<shape_error>([&] { gather(biased.view(), {{0}}); }),
            "gather: ffn: expected no biases: a stack has none, got some");
}

}  // namespace
}  // namespace fissile
