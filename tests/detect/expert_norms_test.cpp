#include <fissile/detect/expert_norms.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::random_numbers;

/// The output of one expert alone, at weight 1, without the bias of down.
double norm_of_expert(const owned_ffn<float>& ffn, vector_view<const index_t> neurons, const float* token) {
  double squares = 0;
  for (index_t i = 0; i < ffn.width; ++i) {
    double sum = 0;
    for (index_t neuron : neurons) {
      sum += static_cast<double>(ffn.down[to_size(i * ffn.neurons + neuron)]) *
             hidden_of<double>(ffn.view(), silu{}, neuron, token);
    }
    squares += sum * sum;
  }
  return std::sqrt(squares);
}

TEST(expert_norms, are_those_of_every_experts_own_output) {
  random_source random{21};
  for (index_t round = 0; round < 30; ++round) {
    const auto ffn = testing::random_ffn<float>(random, testing::random_shape(random, 5));
    const borrowed_experts<float> storage = borrow(ffn.view(), shuffled{random.bits()}.split(ffn.neurons, 5));
    const partition& split = storage.experts();
    const sparse_ffn run{storage, silu{}};
    const index_t tokens = 1 + random.below(12);
    workspace work{run, {.batch = tokens}};
    const auto x = random_numbers<float>(random, tokens * ffn.width);
    std::vector<float> y(x.size());
    testing::random_routes(random, work, tokens, 0.4);
    expert_norms found{{5}, "guide"};
    run({x.data(), tokens, ffn.width}, work, {y.data(), tokens, ffn.width}, found.at(0, storage));
    std::vector<expert_norm_sums> expected(5);
    for (index_t token = 0; token < tokens; ++token) {
      for (const choice& chosen : work.routes()[token]) {
        const double norm = norm_of_expert(ffn, split.expert(chosen.expert), x.data() + token * ffn.width);
        expert_norm_sums& sums = expected[to_size(chosen.expert)];
        ++sums.times;
        sums.norms += norm;
        sums.weighted += static_cast<double>(chosen.weight) * norm;
      }
    }
    EXPECT_EQ(found.of(0).tokens, static_cast<std::uint64_t>(tokens));
    for (std::size_t e = 0; e < 5; ++e) {
      EXPECT_EQ(found.of(0).experts[e].times, expected[e].times);
      EXPECT_NEAR(found.of(0).experts[e].norms, expected[e].norms, 1e-5 * (1 + expected[e].norms));
      EXPECT_NEAR(found.of(0).experts[e].weighted, expected[e].weighted, 1e-5 * (1 + expected[e].weighted));
    }
  }
}

TEST(expert_norms, stacked_experts_are_measured_with_their_own_down) {
  const std::vector<float> up{1, 0, 0, 1}, down{3, 4, 0, 2};  // two experts of one neuron, width 2
  const borrowed_stack<float> storage =
      borrow(stacked_ffn_weights<float>{.up = {up.data(), 2, 2}, .down = {down.data(), 4, 1}, .experts = 2});
  expert_norms found{{2}};
  expert_norm_observer watch = found.at(0, storage);
  const float one = 1, two = 2;
  watch.token(route{2});
  watch.expert(0, {0, 0.5f}, {&two, 1});
  watch.expert(0, {1, 1.0f}, {&one, 1});
  EXPECT_EQ(found.of(0).experts[0], (expert_norm_sums{1, 10, 5}));
  EXPECT_EQ(found.of(0).experts[1], (expert_norm_sums{1, 2, 2}));
}

TEST(expert_norms, merging_equals_one_pass) {
  random_source random{22};
  const auto ffn = testing::random_ffn<float>(random, {.width = 6, .neurons = 12});
  const borrowed_experts<float> storage = borrow(ffn.view(), shuffled{7}.split(ffn.neurons, 4));
  expert_norms whole{{4, 4}, "a"}, first{{4, 4}, "a"}, second{{4, 4}, "b"};
  for (index_t token = 0; token < 40; ++token) {
    const index_t expert = random.below(4);
    const auto hidden = random_numbers<float>(random, storage.experts().size(expert));
    for (expert_norms* into : {&whole, token % 3 == 0 ? &first : &second}) {
      expert_norm_observer watch = into->at(1, storage);
      watch.token(route{4});
      watch.expert(token, {expert, 0.75f}, hidden);
    }
  }
  second.merge(first);
  EXPECT_EQ(second.corpus(), "a + b");
  EXPECT_EQ(second.of(0), whole.of(0));
  EXPECT_EQ(second.of(1).tokens, 40u);
  for (std::size_t e = 0; e < 4; ++e) {
    const expert_norm_sums& all = whole.of(1).experts[e];
    EXPECT_EQ(second.of(1).experts[e].times, all.times);
    EXPECT_NEAR(second.of(1).experts[e].norms, all.norms, 1e-12 * all.norms);
    EXPECT_NEAR(second.of(1).experts[e].weighted, all.weighted, 1e-12 * all.norms);
  }
}

TEST(expert_norms, what_is_no_number_is_counted_and_adds_nothing) {
  layer_expert_norms found{.experts = std::vector<expert_norm_sums>(1)};
  found.add({0, 1.0f}, std::numeric_limits<double>::quiet_NaN());
  found.add({0, std::numeric_limits<float>::infinity()}, 2);
  found.add({0, 0.5f}, 2);
  EXPECT_EQ(found.experts[0], (expert_norm_sums{3, 2, 1}));
  EXPECT_EQ(found.undefined, 2u);
}

TEST(expert_norms, refuses_what_does_not_fit) {
  expect_says(message_of<setting_error>([] { expert_norms{{}}; }), {"at least one number"});
  expect_says(message_of<setting_error>([] { expert_norms{{3, 0}}; }), {"at least 1", "got 0"});
  expert_norms found{{3}};
  expect_says(message_of<setting_error>([&] { found.of(1); }), {"from 0 to 0", "got 1"});
  expect_says(message_of<shape_error>([&] { found.merge(expert_norms{{3, 3}}); }), {"1 layers", "2 layers"});
  EXPECT_THROW(found.merge(expert_norms{{4}}), shape_error);
  random_source random{23};
  const auto ffn = testing::random_ffn<float>(random, {.width = 2, .neurons = 4});
  const borrowed_experts<float> storage = borrow(ffn.view(), even_slices{}.split(4, 2));
  expect_says(message_of<shape_error>([&] { found.at(0, storage); }), {"layer 0", "3 experts", "got 2"});
}

}  // namespace
}  // namespace fissile
