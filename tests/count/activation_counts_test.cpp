#include <fissile/count/activation_counts.hpp>
#include <fissile/partition/even_slices.hpp>
#include <fissile/route/workspace.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/activations.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace {

static_assert(observer<route_counter> && !hidden_observer<route_counter>);
static_assert(std::is_trivially_copyable_v<route_counter> && sizeof(route_counter) == sizeof(void*));

route chosen_of(std::initializer_list<index_t> experts) {
  route chosen{8};
  for (const index_t e : experts) chosen.append({e, 0.5f});
  return chosen;
}

activation_counts small() {
  activation_counts counts{even_slices{}.split(8, 4), {.labels = {"en", "de"}, .layers = 2, .corpus = "guide"}};
  counts.at("en", 1).token(chosen_of({0, 3}));
  counts.at(0, 1).token(chosen_of({3}));
  counts.at("de", 0).token(chosen_of({}));
  return counts;
}

TEST(activation_counts, counts_by_label_layer_and_expert) {
  const activation_counts counts = small();
  EXPECT_EQ(counts.labels(), (std::vector<std::string>{"en", "de"}));
  EXPECT_EQ(counts.layers(), 2);
  EXPECT_EQ(counts.experts(0), 4);
  EXPECT_EQ(counts.corpus(), "guide");
  EXPECT_EQ(counts.uses("en", 1, 3), 2u);
  EXPECT_EQ(counts.uses("en", 1, 0), 1u);
  EXPECT_EQ(counts.uses("en", 0, 3), 0u);
  EXPECT_EQ(counts.uses("de", 1, 3), 0u);
  EXPECT_EQ(counts.weight("en", 1, 3), 1.0);
  EXPECT_EQ(counts.frequency("en", 1, 0), 0.5);
  EXPECT_EQ(counts.frequency(1, 0, 0), 0.0);
  EXPECT_EQ(counts.tokens("en", 1), 2u);
  EXPECT_EQ(counts.tokens("en", 0), 0u);
  EXPECT_EQ(counts.tokens("en"), 2u);
  EXPECT_EQ(counts.tokens("de"), 1u);
  EXPECT_EQ(counts.of("de", 0).empty_routes, 1u);
}

TEST(activation_counts, the_handle_counts_what_a_sparse_layer_runs) {
  random_source random{3};
  const owned_ffn<float> ffn = testing::random_ffn<float>(random, {.width = 8, .neurons = 24});
  const partition split = even_slices{}.split(24, 6);
  const sparse_ffn run{borrow(ffn.view(), split), silu{}};
  workspace work{run, {.batch = 16}};
  const std::vector<float> tokens = testing::random_numbers<float>(random, 16 * 8);
  std::vector<float> out(tokens.size());
  activation_counts counts{split, {.labels = {"en", "de"}, .layers = 3}};
  testing::random_routes(random, work, 16, 0.4);
  run({tokens.data(), 16, 8}, work, {out.data(), 16, 8}, counts.at("de", 2));
  for (index_t e = 0; e < 6; ++e) {
    std::uint64_t uses = 0;
    for (const route& r : work.routes()) {
      for (const choice& c : r) uses += c.expert == e ? 1 : 0;
    }
    EXPECT_EQ(counts.uses("de", 2, e), uses);
  }
  EXPECT_EQ(counts.tokens("de", 2), 16u);
  EXPECT_EQ(counts.tokens("en"), 0u);
  EXPECT_EQ(counts.tokens("de", 1), 0u);
}

TEST(activation_counts, layers_may_be_split_differently) {
  const std::vector<partition> splits{even_slices{}.split(8, 4), partition{{{0}, {1, 2}}, {1}}};
  const activation_counts counts{splits, {.labels = {"en"}, .layers = 2}};
  EXPECT_EQ(counts.experts(0), 4);
  EXPECT_EQ(counts.experts(1), 2);
  EXPECT_TRUE(counts.of("en", 1).is_shared(1));
  EXPECT_FALSE(counts.of("en", 0).is_shared(1));
}

TEST(activation_counts, wrong_settings_are_refused) {
  const partition split = even_slices{}.split(8, 4);
  const auto make = [&](counts_settings settings) {
    return testing::refusal<setting_error>([&] { static_cast<void>(activation_counts(split, settings)); });
  };
  EXPECT_NE(make({.labels = {}}).find("labels"), std::string::npos);
  EXPECT_NE(make({.labels = {"a", "a"}}).find("\"a\" twice"), std::string::npos);
  EXPECT_NE(make({.labels = {"a"}, .layers = 0}).find("layers: expected at least 1, got 0"), std::string::npos);
  EXPECT_NE(make({.labels = {"a"}, .layers = -3}).find("got -3"), std::string::npos);
  const std::vector<partition> two{split, split};
  EXPECT_NE(testing::refusal<shape_error>([&] {
              static_cast<void>(activation_counts(two, {.labels = {"a"}, .layers = 3}));
            }).find("expected 3, one a layer, got 2"),
            std::string::npos);
}

TEST(activation_counts, what_is_not_there_is_refused) {
  activation_counts counts = small();
  EXPECT_NE(testing::refusal<setting_error>([&] { static_cast<void>(counts.at("fr", 0)); }).find("one of en, de"),
            std::string::npos);
  EXPECT_NE(testing::refusal<setting_error>([&] { static_cast<void>(counts.of("en", 2)); }).find("from 0 to 1, got 2"),
            std::string::npos);
  EXPECT_NE(testing::refusal<setting_error>([&] { static_cast<void>(counts.uses("en", -1, 0)); }).find("got -1"),
            std::string::npos);
  EXPECT_CONTRACT(static_cast<void>(counts.uses("en", 0, 4)));
  EXPECT_CONTRACT(static_cast<void>(counts.frequency("en", 0, -1)));
}

}  // namespace
}  // namespace fissile
