#include <fissile/prune/verdict.hpp>

#include <gtest/gtest.h>

namespace fissile {
namespace {

verdict small() {
  return {.judge = "keep_busiest(de)",
          .budget = "uniform(0.5)",
          .rate = 0.5,
          .corpus = "guide",
          .tokens = 12000,
          .layers = {{{fate::keep, "a"}, {fate::remove, "b"}, {fate::remove, "c"}, {fate::keep, "d"}},
                     {{fate::remove, "e"}, {fate::keep, "f"}}}};
}

TEST(verdict, lists_who_stays_and_who_goes) {
  const verdict decided = small();
  EXPECT_EQ(decided.experts(0), 4);
  EXPECT_EQ(decided.experts(1), 2);
  EXPECT_EQ(decided.kept(0), (std::vector<index_t>{0, 3}));
  EXPECT_EQ(decided.removed(0), (std::vector<index_t>{1, 2}));
  EXPECT_EQ(decided.removed_count(0), 2);
  EXPECT_EQ(decided.removed_count(1), 1);
  EXPECT_EQ(decided.removed_count(), 3);
}

TEST(verdict, can_be_changed_by_hand) {
  verdict decided = small();
  decided.layers[0][2] = {fate::keep, "kept by hand"};
  EXPECT_EQ(decided.kept(0), (std::vector<index_t>{0, 2, 3}));
  EXPECT_NE(decided, small());
}

TEST(verdict, equality_looks_at_every_member) {
  EXPECT_EQ(small(), small());
  for (const auto change : std::initializer_list<void (*)(verdict&)>{
           [](verdict& v) { v.judge += "x"; }, [](verdict& v) { v.budget += "x"; }, [](verdict& v) { v.rate += 0.1; },
           [](verdict& v) { v.corpus += "x"; }, [](verdict& v) { ++v.tokens; },
           [](verdict& v) { v.layers[1][0].what = fate::keep; }, [](verdict& v) { v.layers[1][0].reason += "x"; },
           [](verdict& v) { v.layers.pop_back(); }}) {
    verdict changed = small();
    change(changed);
    EXPECT_NE(changed, small());
  }
}

TEST(verdict, is_printed) {
  EXPECT_EQ(to_string(small()),
            "keep_busiest(de) under uniform(0.5), judged on 12000 tokens of guide\n"
            "layer 0: 2 of 4 experts go\n"
            "  expert 1: b\n"
            "  expert 2: c\n"
            "layer 1: 1 of 2 experts go\n"
            "  expert 0: e\n");
  EXPECT_EQ(to_string(verdict{.judge = "random_order(3)", .budget = "uniform(0)"}),
            "random_order(3) under uniform(0)\n");
}

}  // namespace
}  // namespace fissile
