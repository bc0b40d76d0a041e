#include <fissile/partition/even_slices.hpp>
#include <fissile/prune/reap.hpp>

#include "file/temporary.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

static_assert(judge<reap>);

/// Two tokens in layer 1 of three experts with one neuron each: down is 3, 1 and 2.
struct reap_measured {
  std::vector<float> up{1, 1, 1}, down{3, 1, 2};
  borrowed_experts<float> storage =
      borrow(ffn_weights<float>{.up = {up.data(), 3, 1}, .down = {down.data(), 1, 3}}, even_slices{}.split(3, 3));
  expert_norms found{{3, 3}, "guide"};

  reap_measured() {
    expert_norm_observer watch = found.at(1, storage);
    const std::vector<float> hidden{2, -4};
    watch.token(route{3});
    watch.expert(0, {0, 0.25f}, {hidden.data(), 1});
    watch.expert(0, {1, 0.75f}, {hidden.data() + 1, 1});
    watch.token(route{3});
    watch.expert(1, {1, 0.5f}, {hidden.data(), 1});
  }
};

TEST(reap, is_the_mean_weighted_norm_over_the_tokens_that_chose_the_expert) {
  const reap_measured m;
  const reap by{m.found};
  const std::vector<standing> standings = by.standings(1, m.storage.experts());
  EXPECT_EQ(standings[0].value, 0.25 * 6);
  EXPECT_EQ(standings[1].value, (0.75 * 4 + 0.5 * 2) / 2);
  EXPECT_EQ(standings[2].value, 0.0);
  EXPECT_EQ(standings[0].reason, "mean weighted norm 1.5 in 1 of 2 tokens");
  EXPECT_EQ(standings[2].reason, "seen 0 times in 2 tokens");
  EXPECT_EQ(by.name(), "reap");
  EXPECT_EQ(by.seen(), (evidence{"guide", 2}));
}

TEST(reap, refuses_what_was_not_measured) {
  const reap_measured m;
  const reap by{m.found};
  expect_says(message_of<setting_error>([&] { by.standings(0, m.storage.experts()); }),
              {"layer 0", "measured tokens", "none"});
  expect_says(message_of<shape_error>([&] { by.standings(1, even_slices{}.split(4, 2)); }), {"2 experts", "got 3"});
  EXPECT_THROW(by.standings(2, m.storage.experts()), setting_error);
}

}  // namespace
}  // namespace fissile
