#include <fissile/route/above.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/one_plus.hpp>
#include <fissile/route/top_k.hpp>

#include "base/refusal.hpp"
#include "route/scored.hpp"

namespace fissile {
namespace {

using testing::at_weight_1;
using testing::not_a_number;
using testing::refusal;
using testing::selected;

static_assert(selector<one_plus<top_k>>);

TEST(one_plus, weighs_by_one_plus_value_times_scale) {
  EXPECT_EQ(selected(one_plus{top_k{.k = 2}, {2, -4, 8}}, {0.5f, 0.25f, 0.125f}),
            (std::vector<choice>{{0, 2.0f}, {1, 0.0f}}));
  EXPECT_EQ(selected(one_plus{scaled{top_k{.k = 1}}, {2, 0}}, {0.5f, 0.25f}), (std::vector<choice>{{0, 1.0f}}));
}

TEST(one_plus, changes_nothing_while_scales_are_0) {
  random_source random{1};
  for (int trial = 0; trial < 500; ++trial) {
    const std::vector<float> scores = testing::difficult_scores(random, random.below(12));
    const one_plus policy{above{.threshold = 0.3f}, std::vector<float>(scores.size(), 0.0f)};
    EXPECT_EQ(selected(policy, scores), selected(above{.threshold = 0.3f}, scores));
  }
}

TEST(one_plus, leaves_experts_alone_whose_score_is_no_finite_number) {
  EXPECT_EQ(selected(one_plus{with_shared{top_k{.k = 0}, {0}}, {5, 5}}, {-testing::infinite, 1}), at_weight_1({0}));
  EXPECT_EQ(selected(one_plus{with_shared{top_k{.k = 0}, {0}}, {5, 5}}, {not_a_number, 1}), at_weight_1({0}));
}

TEST(one_plus, refuses_another_number_of_scales_however_deep) {
  EXPECT_EQ(refusal<shape_error>([] {
              check_settings(scaled{one_plus{top_k{}, {1, 1}}}, 3);
            }),
            "one_plus: scale: expected 3 numbers, one an expert, got 2");
  EXPECT_THROW(check_settings(one_plus{top_k{.k = 4}, {1, 1, 1}}, 3), setting_error);
}

TEST(one_plus_death, what_was_not_checked_breaks_the_contract) {
  EXPECT_CONTRACT(selected(one_plus{top_k{}, {1, 1}}, {1, 2, 3}));
}

}  // namespace
}  // namespace fissile
