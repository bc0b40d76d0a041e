#include <fissile/prune/prune_report.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

using testing::random_ffn;

TEST(prune_report, costs_are_counted_by_hand) {
  random_source random{1};
  const auto gated = random_ffn<bf16>(
      random, {.width = 8, .neurons = 20, .gated = testing::gate::present, .biased = testing::biases::present});
  const layer_cost cost = cost_of(gated.view(), 5);
  EXPECT_EQ(cost.experts, 5u);
  EXPECT_EQ(cost.neurons, 20u);
  EXPECT_EQ(cost.parameters, 3u * 160 + 20 + 20 + 8);
  EXPECT_EQ(cost.bytes, 3u * 160 * 2 + (20 + 20 + 8) * 4);
  EXPECT_EQ(cost.flops_per_token, 2u * 3 * 160);
  const auto plain = random_ffn<float>(random, {.width = 8, .neurons = 20, .gated = testing::gate::absent});
  EXPECT_EQ(cost_of(plain.view(), 5), (layer_cost{5, 20, 320, 1280, 640}));
}

TEST(prune_report, layers_add_up) {
  const prune_report one{.layers = 1, .before = {4, 40, 400, 800, 80}, .after = {3, 30, 300, 600, 60}};
  const prune_report two{.layers = 1, .before = {5, 50, 500, 1000, 100}, .after = {1, 10, 100, 200, 20}};
  prune_report both = one;
  both += two;
  EXPECT_EQ(both, (prune_report{2, {9, 90, 900, 1800, 180}, {4, 40, 400, 800, 80}}));
  prune_report turned = two;
  turned += one;
  EXPECT_EQ(both, turned);
}

TEST(prune_report, is_printed) {
  const prune_report report{.layers = 1, .before = {4, 40, 400, 800, 80}, .after = {3, 30, 300, 600, 60}};
  EXPECT_EQ(to_string(report),
            "1 layer\n"
            "experts                      4 ->              3  (75 %)\n"
            "neurons                     40 ->             30  (75 %)\n"
            "parameters                 400 ->            300  (75 %)\n"
            "bytes                      800 ->            600  (75 %)\n"
            "FLOPs per token             80 ->             60  (75 %)\n");
  EXPECT_EQ(to_string(prune_report{}).substr(0, 9), "0 layers\n");
}

}  // namespace
}  // namespace fissile
