#include <fissile/count/activation_counts.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "count/random_counts.hpp"

#include <limits>

namespace fissile {
namespace {

using testing::random_counts;
using testing::random_splits;
using labels = std::vector<std::string>;

activation_counts merged(activation_counts a, const activation_counts& b) {
  a.merge(b);
  return a;
}

TEST(counts_table, merging_is_associative_and_commutative_up_to_the_order_of_labels) {
  random_source random{4};
  for (int round = 0; round < 60; ++round) {
    const std::vector<partition> splits = random_splits(random, 1 + random.below(3));
    const activation_counts a = random_counts(random, splits, {"en", "de"});
    const activation_counts b = random_counts(random, splits, {"de", "fr", "en"});
    const activation_counts c = random_counts(random, splits, {"zh", "fr"});
    EXPECT_EQ(merged(merged(a, b), c), merged(a, merged(b, c)));
    EXPECT_EQ(merged(a, b).labels(), (labels{"en", "de", "fr"}));
    EXPECT_EQ(merged(b, a).only({"en", "de", "fr"}), merged(a, b));
    EXPECT_EQ(merged(b, a).labels(), b.labels());
  }
}

TEST(counts_table, merging_adds_cell_by_cell) {
  random_source random{5};
  const std::vector<partition> splits = random_splits(random, 3);
  const activation_counts a = random_counts(random, splits, {"en", "de"});
  const activation_counts b = random_counts(random, splits, {"de", "fr"});
  const activation_counts sum = merged(a, b);
  for (index_t layer = 0; layer < 3; ++layer) {
    EXPECT_EQ(sum.of("en", layer), a.of("en", layer));
    EXPECT_EQ(sum.of("fr", layer), b.of("fr", layer));
    layer_counts both = a.of("de", layer);
    both.merge(b.of("de", layer));
    EXPECT_EQ(sum.of("de", layer), both);
  }
}

TEST(counts_table, counts_merge_with_themselves) {
  random_source random{6};
  activation_counts counts = random_counts(random, random_splits(random, 2), {"en"});
  const std::uint64_t tokens = counts.tokens("en", 0);
  counts.merge(counts);
  EXPECT_EQ(counts.tokens("en", 0), 2 * tokens);
}

TEST(counts_table, corpora_are_united_in_alphabetical_order) {
  const partition split{{{0}, {1}}};
  const auto from = [&](std::string corpus) {
    return activation_counts{split, {.labels = {"en"}, .corpus = std::move(corpus)}};
  };
  const activation_counts sum = merged(merged(merged(from("web"), from("guide")), from("")), from("web"));
  EXPECT_EQ(sum.corpora(), (std::vector<std::string>{"guide", "web"}));
  EXPECT_EQ(sum.corpus(), "guide + web");
  EXPECT_EQ(from("").corpus(), "");
}

TEST(counts_table, other_shapes_are_refused_and_nothing_changes) {
  random_source random{7};
  const partition three{{{0}, {1}, {2}}}, shared{{{0}, {1}, {2}}, {2}}, two{{{0}, {1, 2}}};
  activation_counts counts = random_counts(random, {three, three}, {"en"});
  const activation_counts before = counts;
  for (const std::vector<partition>& splits :
       {std::vector{three}, std::vector{three, two}, std::vector{three, shared}, std::vector{three, three, three}}) {
    const activation_counts other = random_counts(random, splits, {"en", "de"});
    EXPECT_THROW(counts.merge(other), shape_error);
    EXPECT_THROW(static_cast<void>(counts.since(other)), shape_error);
    EXPECT_EQ(counts, before);
  }
}

TEST(counts_table, a_merge_that_overflows_is_refused_and_nothing_changes) {
  const partition split{{{0}, {1}}};
  activation_counts counts{split, {.labels = {"en", "de"}, .layers = 1, .corpus = "a"}};
  layer_counts many = testing::counts_of(std::numeric_limits<std::uint64_t>::max(), {1, 2});
  many.empty_routes = many.tokens - 3;
  counts.set("de", 0, many);
  route chosen{2};
  chosen.append({0, 1});
  activation_counts more{split, {.labels = {"en", "de"}, .layers = 1, .corpus = "b"}};
  more.at("en", 0).token(chosen);
  more.at("de", 0).token(chosen);
  const activation_counts before = counts;
  EXPECT_NE(testing::refusal<setting_error>([&] { counts.merge(more); }).find("merge: de"), std::string::npos);
  EXPECT_EQ(counts, before);
}

TEST(counts_table, since_gives_what_came_after) {
  random_source random{8};
  for (int round = 0; round < 30; ++round) {
    const std::vector<partition> splits = random_splits(random, 2);
    const activation_counts earlier = random_counts(random, splits, {"en", "de"});
    const activation_counts later = random_counts(random, splits, {"en", "de", "fr"});
    const activation_counts difference = merged(earlier, later).since(earlier);
    for (const std::string& label : later.labels()) {
      for (index_t layer = 0; layer < 2; ++layer) EXPECT_EQ(difference.of(label, layer), later.of(label, layer));
    }
  }
  const std::vector<partition> splits = random_splits(random, 1);
  activation_counts less = random_counts(random, splits, {"en"});
  activation_counts greater = less;
  greater.at("en", 0).token(route{1});
  EXPECT_NE(testing::refusal<setting_error>([&] { static_cast<void>(less.since(greater)); }).find("exchange the two"),
            std::string::npos);
  EXPECT_THROW(static_cast<void>(less.since(random_counts(random, splits, {"fr"}))), setting_error);
}

TEST(counts_table, only_chooses_and_orders_labels) {
  random_source random{9};
  const activation_counts counts = random_counts(random, random_splits(random, 2), {"en", "de", "fr"});
  const activation_counts some = counts.only({"fr", "en"});
  EXPECT_EQ(some.labels(), (labels{"fr", "en"}));
  EXPECT_EQ(some.of("fr", 1), counts.of("fr", 1));
  EXPECT_EQ(some.of(1, 0), counts.of("en", 0));
  EXPECT_EQ(some.corpora(), counts.corpora());
  EXPECT_EQ(counts.only(counts.labels()), counts);
  EXPECT_THROW(static_cast<void>(counts.only({"nl"})), setting_error);
  EXPECT_THROW(static_cast<void>(counts.only({"en", "en"})), setting_error);
  EXPECT_THROW(static_cast<void>(counts.only({})), setting_error);
}

TEST(counts_table, clear_keeps_shape_and_names) {
  random_source random{10};
  const std::vector<partition> splits = random_splits(random, 2);
  activation_counts counts = random_counts(random, splits, {"en", "de"});
  const std::string corpus = counts.corpus();
  counts.clear();
  EXPECT_EQ(counts, activation_counts(splits, {.labels = {"en", "de"}, .layers = 2, .corpus = corpus}));
}

TEST(counts_table, set_takes_only_what_can_be_true_of_this_layer) {
  activation_counts counts{partition{{{0}, {1}}}, {.labels = {"en"}}};
  const layer_counts good = testing::counts_of(3, {1, 2});
  counts.set("en", 0, good);
  EXPECT_EQ(counts.of("en", 0), good);
  layer_counts wrong = good;
  wrong.uses[0] = 4;
  EXPECT_NE(testing::refusal<setting_error>([&] { counts.set("en", 0, wrong); }).find("expert 0 is used by more"),
            std::string::npos);
  EXPECT_THROW(counts.set("en", 0, testing::counts_of(3, {1, 1, 1})), shape_error);
  layer_counts shared = good;
  shared.shared[1] = 1;
  EXPECT_THROW(counts.set("en", 0, shared), shape_error);
  EXPECT_EQ(counts.of("en", 0), good);
}

TEST(counts_table, equality_sees_every_number_and_name) {
  random_source random{11};
  const std::vector<partition> splits = random_splits(random, 1);
  const activation_counts counts = random_counts(random, splits, {"en", "de"});
  activation_counts other = counts;
  EXPECT_EQ(other, counts);
  other.at("de", 0).token(route{1});
  EXPECT_NE(other, counts);
  EXPECT_NE(counts.only({"de", "en"}), counts);
  EXPECT_NE(activation_counts(splits, {.labels = {"en"}, .corpus = "x"}),
            activation_counts(splits, {.labels = {"en"}}));
}

}  // namespace
}  // namespace fissile
