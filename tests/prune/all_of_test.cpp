#include <fissile/base/random.hpp>
#include <fissile/prune/all_of.hpp>

#include "file/temporary.hpp"
#include "prune/policies.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

using testing::single_neurons;
using testing::told;

static_assert(judge<all_of<told>> && judge<all_of<told, told, told>>);

std::vector<double> ranks(const std::vector<standing>& standings) {
  std::vector<double> found;
  for (const standing& one : standings) found.push_back(one.value);
  return found;
}

TEST(all_of, an_expert_that_one_judge_likes_stays) {
  const all_of by{told{{5, 1, 2, 0, 9}, "a"}, told{{1, 9, 3, 0, 2}, "b"}};
  EXPECT_EQ(ranks(by.standings(0, single_neurons(5)[0])), (std::vector<double>{0.75, 1, 0.75, 0, 1}));
  EXPECT_EQ(by.standings(0, single_neurons(5)[0])[2].reason, "a; b");
  EXPECT_EQ(by.name(), "all_of(told, told)");
}

TEST(all_of, equals_have_the_same_rank) {
  EXPECT_EQ(ranks(all_of{told{{3, 1, 3, 1, 7}}}.standings(0, single_neurons(5)[0])),
            (std::vector<double>{0.5, 0, 0.5, 0, 1}));
}

TEST(all_of, shared_experts_have_no_rank) {
  EXPECT_EQ(ranks(all_of{told{{9, 1, 2, 8, 3}}}.standings(0, single_neurons(5, 1, {0, 3})[0])),
            (std::vector<double>{0, 0, 0.5, 0, 1}));
}

TEST(all_of, a_single_expert_stands_somewhere) {
  EXPECT_EQ(ranks(all_of{told{{4}}}.standings(0, single_neurons(1)[0])), (std::vector<double>{0}));
}

TEST(all_of, order_and_scale_of_the_judges_do_not_matter) {
  random_source random{71};
  for (index_t round = 0; round < 200; ++round) {
    const index_t experts = 1 + random.below(20);
    told a{}, b{}, scaled{};
    for (index_t e = 0; e < experts; ++e) {
      a.values.push_back(static_cast<double>(random.below(8)));
      b.values.push_back(random.normal());
      scaled.values.push_back(1e6 * a.values.back() - 3);
    }
    const partition split = single_neurons(experts)[0];
    const std::vector<double> both = ranks(all_of{a, b}.standings(0, split));
    ASSERT_EQ(ranks(all_of{b, a}.standings(0, split)), both);
    ASSERT_EQ(ranks(all_of{b, scaled}.standings(0, split)), both);
    // Its order never contradicts all judges at once.
    for (std::size_t i = 0; i < both.size(); ++i) {
      for (std::size_t j = 0; j < both.size(); ++j) {
        if (a.values[i] < a.values[j] && b.values[i] < b.values[j]) {
          ASSERT_LT(both[i], both[j]);
        }
      }
    }
  }
}

TEST(all_of, its_evidence_is_the_weakest) {
  const told a{{1}, "a", {"guide", 50}}, b{{1}, "b", {"wiki", 20}}, none{{1}, "c", {}}, again{{1}, "d", {"guide", 30}};
  EXPECT_EQ((all_of{a, none, b, again}.seen()), (evidence{"guide + wiki", 20}));
  EXPECT_EQ((all_of{none, a}.seen()), (evidence{"guide", 50}));
  EXPECT_EQ(all_of{none}.seen(), evidence{});
}

}  // namespace
}  // namespace fissile
