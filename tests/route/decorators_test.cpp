// Each decorator alone, several in each other, and what they never do: change values.
#include <fissile/route/above.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/route/top_p.hpp>

#include "base/refusal.hpp"
#include "route/scored.hpp"

#include <cmath>
#include <cstring>

namespace fissile {
namespace {

using testing::at_weight_1;
using testing::difficult_scores;
using testing::infinite;
using testing::not_a_number;
using testing::refusal;
using testing::selected;
using choices = std::vector<choice>;

const std::vector<float> scores{0.25f, 0.75f, 0.5f, 0.125f};

TEST(scaled, multiplies_by_the_values) {
  EXPECT_EQ(selected(scaled{top_k{.k = 2}}, scores), (choices{{1, 0.75f}, {2, 0.5f}}));
}

TEST(scaled, gives_an_expert_nobody_chose_by_its_score_nothing_where_that_is_nan) {
  EXPECT_EQ(selected(scaled{with_shared{top_k{.k = 1}, {0}}}, {not_a_number, 0.5f}), (choices{{0, 0.0f}, {1, 0.5f}}));
  EXPECT_EQ(selected(scaled{with_shared{top_k{.k = 0}, {1}}}, {2.0f, -0.5f}), (choices{{1, -0.5f}}));
}

TEST(normalised, divides_by_the_sum) {
  EXPECT_EQ(selected(normalised{top_k{.k = 4}}, scores), (choices{{0, 0.25f}, {1, 0.25f}, {2, 0.25f}, {3, 0.25f}}));
  const choices halves = selected(normalised{scaled{above{.threshold = 0.2f}}}, scores);  // sum 1.5
  ASSERT_EQ(halves.size(), 3u);
  EXPECT_FLOAT_EQ(halves[0].weight, 1.0f / 6);
  EXPECT_FLOAT_EQ(halves[1].weight, 0.5f);
  EXPECT_FLOAT_EQ(halves[2].weight, 1.0f / 3);
}

TEST(normalised, leaves_a_sum_that_is_not_positive_alone) {
  EXPECT_EQ(selected(normalised{scaled{top_k{.k = 2}}}, {0, -0.0f}), (choices{{0, 0.0f}, {1, 0.0f}}));
  EXPECT_EQ(selected(normalised{scaled{top_k{.k = 2}}}, {-1, -3}), (choices{{0, -1.0f}, {1, -3.0f}}));
  EXPECT_EQ(selected(normalised{above{.threshold = 9}}, scores), choices{});
  EXPECT_EQ(selected(normalised{scaled{top_k{.k = 2}}}, {infinite, 1}), (choices{{0, infinite}, {1, 1.0f}}));
}

TEST(rescaled, multiplies_by_experts_over_chosen) {
  EXPECT_EQ(selected(rescaled{top_k{.k = 2}}, scores), (choices{{1, 2.0f}, {2, 2.0f}}));
  EXPECT_EQ(selected(rescaled{top_k{.k = 4}}, scores), at_weight_1({0, 1, 2, 3}));
  EXPECT_EQ(selected(rescaled{above{.threshold = 9}}, scores), choices{});
}

TEST(biased, changes_the_choice_and_not_the_weights) {
  const biased policy{top_k{.k = 2}, {1, 0, 0, 1}};
  EXPECT_EQ(selected(policy, scores), at_weight_1({0, 3}));
  EXPECT_EQ(selected(scaled{policy}, scores), (choices{{0, 0.25f}, {3, 0.125f}}));
  EXPECT_EQ(selected(biased{scaled{top_k{.k = 1}}, {0, -1, 0, 0}}, scores), (choices{{2, 0.5f}}));
  EXPECT_EQ(selected(biased{top_k{.k = 4}, {0, not_a_number, 0, 0}}, scores), at_weight_1({0, 2, 3}));
}

TEST(with_shared, adds_its_experts_and_leaves_the_others_to_the_choice) {
  EXPECT_EQ(selected(with_shared{top_k{.k = 1}, {1}}, scores), at_weight_1({1, 2}));
  EXPECT_EQ(selected(with_shared{top_k{.k = 2}, {3, 0}}, scores), at_weight_1({0, 1, 2, 3}));
  EXPECT_EQ(selected(with_shared{above{.threshold = 9}, {2}}, scores), at_weight_1({2}));
  EXPECT_EQ(selected(with_shared{scaled{top_k{.k = 1}}, {0}}, scores), (choices{{0, 1.0f}, {1, 0.75f}}));
  EXPECT_EQ(selected(with_shared{top_k{.k = 0}, {0, 1}}, {not_a_number, 0}), at_weight_1({0, 1}));
  EXPECT_EQ(selected(with_shared{top_k{.k = 1}, {}}, scores), at_weight_1({1}));
}

TEST(among, lets_only_its_experts_be_chosen) {
  EXPECT_EQ(selected(among{top_k{.k = 2}, {1, 0, 0, 1}}, scores), at_weight_1({0, 3}));
  EXPECT_EQ(selected(among{top_k{.k = 3}, {0, 0, 1, 0}}, scores), at_weight_1({2}));
  EXPECT_EQ(selected(among{above{.threshold = 0}, {0, 0, 0, 0}}, scores), choices{});
}

TEST(at_least_one, steps_in_where_nothing_was_chosen) {
  const at_least_one policy{above{.threshold = 0.6f}};
  EXPECT_EQ(selected(policy, scores), at_weight_1({1}));
  EXPECT_EQ(selected(policy, {0.25f, 0.5f, 0.5f}), at_weight_1({1}));
  EXPECT_EQ(selected(policy, {not_a_number, -infinite, not_a_number}), at_weight_1({1}));
  EXPECT_EQ(selected(policy, {not_a_number, not_a_number}), choices{});
  EXPECT_EQ(selected(policy, {}), choices{});
  // It obeys what decorators around it forbid, and weighs what they say.
  EXPECT_EQ(selected(among{at_least_one{above{.threshold = 9}}, {1, 0, 0, 1}}, scores), at_weight_1({0}));
  EXPECT_EQ(selected(scaled{at_least_one{above{.threshold = 9}}}, scores), (choices{{1, 0.75f}}));
}

TEST(decorators, compose_as_trained_mixtures_do) {
  // DeepSeek-V3: biased choice, weights from the scores alone, normalised, one shared expert beside them.
  const with_shared policy{normalised{scaled{biased{top_k{.k = 2}, {0, -9, 0, 1}}}}, {0}};
  const choices chosen = selected(policy, scores);
  ASSERT_EQ(chosen.size(), 3u);
  EXPECT_EQ(chosen[0], (choice{0, 1.0f}));
  EXPECT_EQ(chosen[1], (choice{2, 0.8f}));
  EXPECT_EQ(chosen[2], (choice{3, 0.2f}));
}

/// Whatever is put in whatever: the route ascends, holds nobody twice, and the values stay as they were.
TEST(decorators, keep_the_law_of_selectors) {
  random_source random{1};
  for (int trial = 0; trial < 1000; ++trial) {
    const std::vector<float> values = difficult_scores(random, 1 + random.below(12));
    const index_t experts = length(values);
    std::vector<float> bias(values.size());
    std::vector<char> allowed(values.size());
    for (std::size_t e = 0; e < values.size(); ++e) {
      bias[e] = static_cast<float>(random.below(3));
      allowed[e] = random.below(3) == 0 ? 0 : 1;
    }
    const index_t shared = random.below(experts);
    const auto expect_law = [&](const auto& policy) {
      std::vector<float> before = values, keys = values;
      route chosen{experts};
      check_settings(policy, experts);
      policy.select({before, keys}, chosen);
      ASSERT_EQ(std::memcmp(before.data(), values.data(), values.size() * sizeof(float)), 0);
      for (index_t i = 0; i < chosen.length(); ++i) {
        ASSERT_TRUE(i == 0 || chosen[i - 1].expert < chosen[i].expert);
        ASSERT_TRUE(chosen[i].expert >= 0 && chosen[i].expert < experts);
      }
    };
    const index_t k = random.below(experts + 1);
    expect_law(scaled{with_shared{among{biased{top_k{.k = k}, bias}, allowed}, {shared}}});
    expect_law(rescaled{at_least_one{among{above{.threshold = 0.3f}, allowed}}});
    expect_law(with_shared{normalised{scaled{biased{top_p{.p = 0.5f}, bias}}}, {shared}});
    expect_law(among{with_shared{at_least_one{top_k{.k = k}}, {shared}}, allowed});
  }
}

TEST(decorators, refuse_settings_that_cannot_be_however_deep) {
  EXPECT_EQ(refusal<shape_error>([] {
              check_settings(biased{top_k{}, {1, 2}}, 3);
            }),
            "biased: bias: expected 3 numbers, one an expert, got 2");
  EXPECT_EQ(refusal<shape_error>([] {
              check_settings(among{top_k{}, {1, 1}}, 3);
            }),
            "among: allowed: expected 3 marks, one an expert, got 2");
  EXPECT_EQ(refusal<setting_error>([] {
              check_settings(with_shared{top_k{}, {0, 3}}, 3);
            }),
            "with_shared: shared: expected experts from 0 to 2, each once, got 3");
  EXPECT_EQ(refusal<setting_error>([] {
              check_settings(with_shared{top_k{}, {-1}}, 3);
            }),
            "with_shared: shared: expected experts from 0 to 2, each once, got -1");
  EXPECT_EQ(refusal<setting_error>([] {
              check_settings(with_shared{top_k{}, {1, 1}}, 3);
            }),
            "with_shared: shared: expected experts from 0 to 2, each once, got 1 twice");
  const top_k wrong{.k = 4};
  const char* said = "top_k: k: expected from 0 to 3, the number of experts, got 4";
  EXPECT_EQ(refusal<setting_error>([&] { check_settings(scaled{normalised{wrong}}, 3); }), said);
  EXPECT_EQ(refusal<setting_error>([&] { check_settings(rescaled{at_least_one{wrong}}, 3); }), said);
  EXPECT_EQ(refusal<setting_error>([&] { check_settings(biased{wrong, {1, 1, 1}}, 3); }), said);
  EXPECT_EQ(refusal<setting_error>([&] { check_settings(with_shared{wrong, {0}}, 3); }), said);
  EXPECT_EQ(refusal<setting_error>([&] { check_settings(among{wrong, {1, 1, 1}}, 3); }), said);
}

TEST(decorators_death, what_was_not_checked_breaks_the_contract) {
  EXPECT_CONTRACT(selected(biased{top_k{}, {1, 2}}, scores));
  EXPECT_CONTRACT(selected(among{top_k{}, {1, 2}}, scores));
  EXPECT_CONTRACT(selected(with_shared{top_k{}, {4}}, scores));
}

}  // namespace
}  // namespace fissile
