#include <fissile/partition/even_slices.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/prune/keep_largest.hpp>

#include "file/temporary.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

static_assert(judge<keep_largest>);

/// Two tokens in layer 1: the first runs experts 0 and 1 of three, the second expert 1.
neuron_magnitudes measured(const partition& split) {
  neuron_magnitudes found{{split, split}, "guide"};
  const std::vector<float> hidden{-1, 2, 0.5f, -4};
  neuron_observer watch = found.at(1);
  route chosen{3};
  watch.token(chosen);
  watch.token(chosen);
  watch.expert(0, {0, 1.0f}, {hidden.data(), 2});
  watch.expert(0, {1, 1.0f}, {hidden.data() + 2, 2});
  watch.expert(1, {1, 1.0f}, {hidden.data() + 2, 2});
  return found;
}

TEST(keep_largest, sums_magnitudes_over_tokens_and_neurons) {
  const partition split = even_slices{}.split(6, 3);
  const neuron_magnitudes found = measured(split);
  const keep_largest by{found};
  const std::vector<standing> standings = by.standings(1, split);
  EXPECT_EQ(standings[0].value, 3.0);
  EXPECT_EQ(standings[1].value, 9.0);
  EXPECT_EQ(standings[2].value, 0.0);
  EXPECT_EQ(standings[1].reason, "sum of |h| 9 over 2 neurons and 2 tokens");
  EXPECT_EQ(standings[2].reason, "seen 0 times in 2 tokens");
  EXPECT_EQ(by.name(), "keep_largest");
  EXPECT_EQ(by.seen(), (evidence{"guide", 2}));
}

TEST(keep_largest, judges_other_partitions_of_the_same_neurons) {
  const neuron_magnitudes found = measured(even_slices{}.split(6, 3));
  const partition other{{{0, 3, 4}, {1}, {2, 5}}};
  const std::vector<standing> standings = keep_largest{found}.standings(1, other);
  EXPECT_EQ(standings[0].value, 1.0 + 8.0);
  EXPECT_EQ(standings[1].value, 2.0);
  EXPECT_EQ(standings[2].value, 1.0);
}

TEST(keep_largest, refuses_what_was_not_measured) {
  const partition split = even_slices{}.split(6, 3);
  const neuron_magnitudes found = measured(split);
  const keep_largest by{found};
  expect_says(message_of<setting_error>([&] { by.standings(0, split); }), {"layer 0", "measured tokens", "none"});
  expect_says(message_of<shape_error>([&] { by.standings(1, even_slices{}.split(7, 3)); }), {"7 neurons", "got 6"});
  EXPECT_THROW(by.standings(2, split), setting_error);
}

}  // namespace
}  // namespace fissile
