#include <fissile/partition/shuffled.hpp>
#include <fissile/prune/spare_features.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

template <class T>
struct spare_features_test : ::testing::Test {};
using elements = ::testing::Types<float, bf16, f16>;
TYPED_TEST_SUITE(spare_features_test, elements);

TYPED_TEST(spare_features_test, sums_what_experts_write_to_the_features) {
  random_source random{61};
  for (index_t round = 0; round < 30; ++round) {
    const auto ffn = testing::random_ffn<TypeParam>(random, testing::random_shape(random, 4));
    const partition split = shuffled{random.bits()}.split(ffn.neurons, 4);
    std::vector<index_t> features;
    for (index_t f = 0; f < ffn.width; ++f) {
      if (random.below(3) == 0) features.push_back(f);
    }
    const spare_features by{std::vector{ffn.view().down}, {features}, {"guide", 12}};
    static_assert(judge<spare_features<TypeParam>>);
    const std::vector<index_t> owner = split.owners();
    std::vector<double> expected(4, 0.0);
    for (index_t f : features) {
      for (index_t neuron = 0; neuron < ffn.neurons; ++neuron) {
        expected[to_size(owner[to_size(neuron)])] +=
            std::abs(static_cast<double>(to_float(ffn.down[to_size(f * ffn.neurons + neuron)])));
      }
    }
    const std::vector<standing> standings = by.standings(0, split);
    for (std::size_t e = 0; e < 4; ++e) EXPECT_NEAR(standings[e].value, expected[e], 1e-12);
    EXPECT_EQ(by.seen(), (evidence{"guide", 12}));
  }
}

TEST(spare_features, says_what_it_saw) {
  const std::vector<float> down{1, -2, 3, -4};
  const spare_features by{std::vector{matrix_view<const float>{down.data(), 2, 2}}, {{1}}};
  const std::vector<standing> standings = by.standings(0, partition{{{0}, {1}}});
  EXPECT_EQ(standings[0].value, 3.0);
  EXPECT_EQ(standings[1].value, 4.0);
  EXPECT_EQ(standings[1].reason, "weights 4 on 1 outlier feature");
}

TEST(spare_features, refuses_what_does_not_fit) {
  const std::vector<float> numbers(6);
  const std::vector<matrix_view<const float>> down{{numbers.data(), 2, 3}};
  expect_says(message_of<shape_error>([&] { spare_features(down, {{0}, {1}}); }), {"1 lists", "got 2"});
  expect_says(message_of<shape_error>([&] { spare_features(down, {{2}}); }), {"layer 0", "from 0 to 1", "got 2"});
  expect_says(message_of<shape_error>([&] { spare_features(down, {{-1}}); }), {"got -1"});
  const spare_features by{down, {{0}}};
  expect_says(message_of<setting_error>([&] { by.standings(1, partition{{{0}, {1}, {2}}}); }), {"1 layers", "got 1"});
  expect_says(message_of<shape_error>([&] { by.standings(0, partition{{{0}, {1}}}); }), {"2 columns", "[2 x 3]"});
}

}  // namespace
}  // namespace fissile
