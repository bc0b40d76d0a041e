#include <fissile/count/expert_set.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "count/random_counts.hpp"

#include <limits>
#include <set>

namespace fissile {
namespace {

using testing::counts_of;

/// A minimal rule of this test's own: the experts with an even number of uses.
struct even_uses {
  expert_set operator()(const layer_counts& counts) const {
    expert_set found;
    for (index_t e = 0; e < counts.experts(); ++e) {
      if (counts.uses[to_size(e)] % 2 == 0) found.push_back(e);
    }
    return found;
  }
};
static_assert(frequency_rule<even_uses> && frequency_rule<frequency_at_least> && frequency_rule<most_frequent>);
static_assert(!frequency_rule<int>);

TEST(expert_set, busiest_first_and_ties_to_the_lower_expert) {
  const layer_counts counts = counts_of(10, {3, 7, 0, 7, 9});
  EXPECT_EQ(busiest(counts, 3), (std::vector<index_t>{4, 1, 3}));
  EXPECT_EQ(busiest(counts, 1), (std::vector<index_t>{4}));
  EXPECT_EQ(busiest(counts, 99), (std::vector<index_t>{4, 1, 3, 0})) << "expert 2 was never used";
  EXPECT_TRUE(busiest(counts, 0).empty());
  EXPECT_CONTRACT(static_cast<void>(busiest(counts, -1)));
}

TEST(expert_set, shared_experts_are_kept_apart) {
  layer_counts counts = counts_of(10, {10, 4, 2, 8});
  counts.shared[0] = 1;
  EXPECT_EQ(busiest(counts, 2), (std::vector<index_t>{3, 1}));
  EXPECT_EQ(frequency_at_least{.threshold = 0.4}(counts), (expert_set{1, 3}));
  EXPECT_EQ(most_frequent{.share = 1}(counts), (expert_set{1, 2, 3}));
}

TEST(expert_set, the_threshold_itself_is_frequent_and_what_was_never_used_is_not) {
  const layer_counts counts = counts_of(8, {4, 3, 0, 8});
  EXPECT_EQ(frequency_at_least{.threshold = 0.5}(counts), (expert_set{0, 3}));
  EXPECT_EQ(frequency_at_least{.threshold = 0}(counts), (expert_set{0, 1, 3}));
  EXPECT_TRUE(frequency_at_least{.threshold = 1.01}(counts).empty());
  EXPECT_TRUE(frequency_at_least{.threshold = 0}(counts_of(0, {0, 0})).empty());
}

TEST(expert_set, a_share_is_rounded_to_the_nearest_number_of_experts) {
  const layer_counts counts = counts_of(10, {1, 5, 2, 4, 3, 3});
  EXPECT_EQ(most_frequent{.share = 0.25}(counts), (expert_set{1, 3})) << "1.5 experts become 2";
  EXPECT_EQ(most_frequent{.share = 0.2}(counts), (expert_set{1}));
  EXPECT_EQ(most_frequent{.share = 0.5}(counts), (expert_set{1, 3, 4})) << "4 and 5 tie";
  EXPECT_TRUE(most_frequent{.share = 0}(counts).empty());
  for (const double share : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_NE(testing::refusal<setting_error>([&] { static_cast<void>(most_frequent{share}(counts)); }).find("0 to 1"),
              std::string::npos);
  }
}

TEST(expert_set, common_and_own_experts_by_the_definition) {
  random_source random{12};
  int common_found = 0, own_found = 0;
  for (int round = 0; round < 60; ++round) {
    const activation_counts counts =
        testing::random_counts(random, testing::random_splits(random, 2), {"en", "de", "fr"});
    const frequency_at_least rule{.threshold = 0.15};
    for (index_t layer = 0; layer < 2; ++layer) {
      const expert_set common = common_to_all(counts, layer, rule);
      const std::set<index_t> in_common(common.begin(), common.end());
      for (index_t e = 0; e < counts.experts(layer); ++e) {
        int labels_of_e = 0;
        for (const std::string& label : counts.labels()) {
          const layer_counts& cell = counts.of(label, layer);
          const bool frequent = !cell.is_shared(e) && cell.uses[to_size(e)] > 0 && cell.frequency(e) >= 0.15;
          labels_of_e += frequent ? 1 : 0;
          const expert_set own = only_for(counts, label, layer, rule);
          bool others = false;
          for (const std::string& other : counts.labels()) {
            const expert_set theirs = rule(counts.of(other, layer));
            others = others || (other != label && std::count(theirs.begin(), theirs.end(), e) > 0);
          }
          EXPECT_EQ(std::count(own.begin(), own.end(), e), frequent && !others ? 1 : 0);
          own_found += static_cast<int>(own.size());
        }
        EXPECT_EQ(in_common.count(e), labels_of_e == 3 ? 1u : 0u);
      }
      common_found += static_cast<int>(common.size());
      EXPECT_TRUE(std::is_sorted(common.begin(), common.end()));
    }
  }
  EXPECT_GT(common_found, 10) << "or this test tests nothing";
  EXPECT_GT(own_found, 10);
}

TEST(expert_set, any_rule_will_do) {
  const activation_counts counts = testing::counts_of_labels(8, {{2, 4, 1, 1}, {2, 3, 2, 1}});
  EXPECT_EQ(common_to_all(counts, 0, even_uses{}), (expert_set{0}));
  EXPECT_EQ(only_for(counts, "a", 0, even_uses{}), (expert_set{1}));
  EXPECT_EQ(only_for(counts, 1, 0, even_uses{}), (expert_set{2}));
  EXPECT_THROW(static_cast<void>(only_for(counts, "c", 0, even_uses{})), setting_error);
}

}  // namespace
}  // namespace fissile
