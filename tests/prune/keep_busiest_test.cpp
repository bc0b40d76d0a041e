#include <fissile/partition/even_slices.hpp>
#include <fissile/prune/budgets.hpp>
#include <fissile/prune/decide.hpp>
#include <fissile/prune/keep_busiest.hpp>

#include "file/temporary.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;

static_assert(judge<keep_busiest> && judge<keep_least_used>);

/// Counts of 4 experts: each route is a list of experts.
struct counted {
  partition split = even_slices{}.split(8, 4);
  activation_counts counts{split, {.labels = {"en", "de", "fr"}, .layers = 2, .corpus = "guide"}};

  void tokens(const char* label, const std::vector<std::vector<index_t>>& routes) {
    for (index_t layer = 0; layer < 2; ++layer) {
      for (const std::vector<index_t>& experts : routes) {
        route chosen{4};
        for (index_t e : experts) chosen.append({e, 1.0f});
        counts.at(label, layer).token(chosen);
      }
    }
  }
  counted() {
    tokens("en", {{0, 1}, {0, 1}, {0, 3}, {0, 3}});
    tokens("de", {{1, 2}, {1, 3}});
  }
  std::vector<partition> layers() const { return {split, split}; }
};

std::vector<double> values(const std::vector<standing>& standings) {
  std::vector<double> found;
  for (const standing& one : standings) found.push_back(one.value);
  return found;
}

TEST(usage, of_one_label) {
  const counted c;
  const keep_busiest by{usage::of_label(c.counts, "en")};
  EXPECT_EQ(values(by.standings(1, c.split)), (std::vector<double>{1, 0.5, 0, 0.5}));
  EXPECT_EQ(by.standings(1, c.split)[1].reason, "frequency 0.5 of 4 tokens in en");
  EXPECT_EQ(by.standings(1, c.split)[2].reason, "seen 0 times in 4 tokens in en");
  EXPECT_EQ(by.name(), "keep_busiest(en)");
  EXPECT_EQ(by.seen(), (evidence{"guide", 4}));
}

TEST(usage, of_all_labels_is_their_mean_however_long_the_texts_are) {
  const counted c;
  const activation_counts two = c.counts.only({"en", "de"});
  const keep_busiest by{usage::of_all(two)};
  EXPECT_EQ(values(by.standings(0, c.split)), (std::vector<double>{0.5, 0.75, 0.25, 0.5}));
  EXPECT_EQ(by.standings(0, c.split)[0].reason, "mean frequency 0.5 of 6 tokens in all");
  EXPECT_EQ(by.seen(), (evidence{"guide", 6}));
  EXPECT_EQ(by.name(), "keep_busiest(all)");
}

TEST(usage, of_a_mix_looks_at_proportions) {
  const counted c;
  const usage mix = usage::of_mix(c.counts, {{"en", 3}, {"de", 1}});
  EXPECT_EQ(values(keep_busiest{mix}.standings(0, c.split)), (std::vector<double>{0.75, 0.625, 0.125, 0.5}));
  EXPECT_EQ(mix.name(), "3 en + 1 de");
  const usage scaled_mix = usage::of_mix(c.counts, {{"en", 6}, {"de", 2}});
  for (index_t e = 0; e < 4; ++e) EXPECT_EQ(mix.of(0, e), scaled_mix.of(0, e));
  const usage one = usage::of_mix(c.counts, {{"en", 0}, {"de", 2}});
  for (index_t e = 0; e < 4; ++e) EXPECT_EQ(one.of(0, e), c.counts.frequency("de", 0, e));
}

TEST(keep_busiest, the_least_used_go_and_keep_least_used_is_its_mirror) {
  const counted c;
  const usage by = usage::of_label(c.counts, "en");
  EXPECT_EQ(decide(keep_busiest{by}, uniform{.rate = 0.5}, c.layers()).removed(1), (std::vector<index_t>{2, 3}))
      << "1 and 3 are used equally: the lower stays";
  EXPECT_EQ(decide(keep_least_used{by}, uniform{.rate = 0.5}, c.layers()).removed(1), (std::vector<index_t>{0, 3}));
  EXPECT_EQ(keep_least_used{by}.name(), "keep_least_used(en)");
  EXPECT_EQ(keep_least_used{by}.standings(0, c.split)[0].reason, keep_busiest{by}.standings(0, c.split)[0].reason);
}

TEST(usage, refuses_what_was_not_counted) {
  const counted c;
  expect_says(message_of<setting_error>([&] { usage::of_label(c.counts, "xx"); }), {"xx", "en, de, fr"});
  expect_says(message_of<setting_error>([&] { usage::of_mix(c.counts, {}); }), {"usage: mix", "none"});
  expect_says(message_of<setting_error>([&] { usage::of_mix(c.counts, {{"en", 0}}); }), {"usage: mix"});
  expect_says(message_of<setting_error>([&] {
                usage::of_mix(c.counts, {{"en", 2}, {"de", -1}});
              }),
              {"weight of de", "-1"});
  const keep_busiest french{usage::of_label(c.counts, "fr")};
  expect_says(message_of<setting_error>([&] { french.standings(1, c.split); }), {"fr, layer 1", "none"});
  const keep_busiest english{usage::of_label(c.counts, "en")};
  expect_says(message_of<shape_error>([&] { english.standings(0, even_slices{}.split(8, 3)); }),
              {"layer 0", "3 experts", "got 4"});
  EXPECT_THROW(english.standings(2, c.split), setting_error);
}

}  // namespace
}  // namespace fissile
