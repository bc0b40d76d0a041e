// above, top_k and top_p against sorting in plain words, on scores made to be difficult.
#include <fissile/route/above.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/route/top_p.hpp>

#include "base/refusal.hpp"
#include "route/scored.hpp"

#include <cmath>

namespace fissile {
namespace {

using testing::at_weight_1;
using testing::difficult_scores;
using testing::infinite;
using testing::not_a_number;
using testing::refusal;
using testing::selected;

/// Experts whose score is a number, the highest first, the lower expert first among equals.
std::vector<index_t> ranked(const std::vector<float>& scores) {
  std::vector<index_t> order;
  for (index_t expert = 0; expert < length(scores); ++expert) {
    if (!std::isnan(scores[to_size(expert)])) order.push_back(expert);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](index_t a, index_t b) { return scores[to_size(a)] > scores[to_size(b)]; });
  return order;
}

/// Calls body(scores, random) for many tokens.
template <class Body>
void for_many_tokens(const Body& body) {
  random_source random{1};
  for (int trial = 0; trial < 3000; ++trial) body(difficult_scores(random, random.below(20)), random);
}

TEST(above, is_strict) {
  EXPECT_EQ(selected(above{.threshold = 0.5f}, {0.5f, std::nextafter(0.5f, 1.0f), 0.4f, infinite}),
            at_weight_1({1, 3}));
  EXPECT_EQ(selected(above{}, {0.5f, 0.6f, not_a_number, -infinite}), at_weight_1({1}));
  EXPECT_EQ(selected(above{.threshold = 0}, {0.0f, -0.0f, -1.0f}), at_weight_1({}));
  EXPECT_EQ(selected(above{.threshold = not_a_number}, {0.0f, infinite}), at_weight_1({}));
}

TEST(above, takes_whatever_is_above) {
  for_many_tokens([](const std::vector<float>& scores, random_source& random) {
    const auto threshold = static_cast<float>(random.below(5)) / 4 - 0.25f;
    std::vector<index_t> expected;
    for (index_t expert = 0; expert < length(scores); ++expert) {
      if (scores[to_size(expert)] > threshold) expected.push_back(expert);
    }
    ASSERT_EQ(selected(above{.threshold = threshold}, scores), at_weight_1(expected));
  });
}

TEST(top_k, ties_go_to_the_lower_expert_and_nan_to_nobody) {
  EXPECT_EQ(selected(top_k{.k = 2}, {1, 3, 3, 3}), at_weight_1({1, 2}));
  EXPECT_EQ(selected(top_k{.k = 2}, {0.0f, -0.0f, 0.0f}), at_weight_1({0, 1}));
  EXPECT_EQ(selected(top_k{.k = 3}, {not_a_number, -infinite, 7}), at_weight_1({1, 2}));
  EXPECT_EQ(selected(top_k{}, {1, 2, infinite, infinite}), at_weight_1({2}));
  EXPECT_EQ(selected(top_k{.k = 0}, {1, 2}), at_weight_1({}));
  EXPECT_EQ(selected(top_k{.k = 2}, {not_a_number, not_a_number}), at_weight_1({}));
}

TEST(top_k, is_the_head_of_the_ranking) {
  for_many_tokens([](const std::vector<float>& scores, random_source& random) {
    const index_t k = random.below(length(scores) + 2);
    std::vector<index_t> expected = ranked(scores);
    expected.resize(to_size(std::min(k, length(expected))));
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(selected(top_k{.k = k}, scores), at_weight_1(expected));
  });
}

TEST(top_p, takes_the_fewest_that_hold_the_share) {
  const std::vector<float> scores{0.125f, 0.5f, 0.25f, 0.125f};
  EXPECT_EQ(selected(top_p{.p = 0.5f}, scores), at_weight_1({1}));
  EXPECT_EQ(selected(top_p{.p = 0.51f}, scores), at_weight_1({1, 2}));
  EXPECT_EQ(selected(top_p{.p = 0.8f}, scores), at_weight_1({0, 1, 2}));  // a tie: the lower expert
  EXPECT_EQ(selected(top_p{.p = 1}, scores), at_weight_1({0, 1, 2, 3}));
  EXPECT_EQ(selected(top_p{.p = 1}, {0, 1, 0}), at_weight_1({1}));  // zeros hold nothing
  EXPECT_EQ(selected(top_p{}, {0, 0}), at_weight_1({0}));
  EXPECT_EQ(selected(top_p{}, {not_a_number, -1, 2}), at_weight_1({2}));
  EXPECT_EQ(selected(top_p{}, {1, infinite, infinite}), at_weight_1({1}));
  EXPECT_EQ(selected(top_p{}, {not_a_number, -1}), at_weight_1({}));
}

TEST(top_p, is_the_shortest_head_of_the_ranking_that_holds_the_share) {
  for_many_tokens([](const std::vector<float>& scores, random_source& random) {
    const auto p = static_cast<float>(random.below(8) + 1) / 8;
    std::vector<index_t> order = ranked(scores);
    std::erase_if(order, [&](index_t expert) { return scores[to_size(expert)] < 0; });
    double total = 0;
    for (index_t expert = 0; expert < length(scores); ++expert) {  // in this order, to the last bit
      const float score = scores[to_size(expert)];
      if (score >= 0) total += static_cast<double>(score);
    }
    std::vector<index_t> expected;
    double held = 0;
    for (index_t expert : order) {
      expected.push_back(expert);
      held += static_cast<double>(scores[to_size(expert)]);
      if (held >= static_cast<double>(p) * total) break;
    }
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(selected(top_p{.p = p}, scores), at_weight_1(expected));
  });
}

TEST(selectors, refuse_settings_that_cannot_be) {
  EXPECT_EQ(refusal<setting_error>([] { check_settings(top_k{.k = 5}, 4); }),
            "top_k: k: expected from 0 to 4, the number of experts, got 5");
  EXPECT_EQ(refusal<setting_error>([] { check_settings(top_k{.k = -1}, 4); }),
            "top_k: k: expected from 0 to 4, the number of experts, got -1");
  EXPECT_EQ(refusal<setting_error>([] { check_settings(top_p{.p = 90}, 4); }),
            "top_p: p: expected a share above 0 and at most 1, got 90.000000; 0.9 stands for 90 percent");
  for (const float p : {0.0f, -0.5f, not_a_number}) EXPECT_THROW(check_settings(top_p{.p = p}, 4), setting_error);
  EXPECT_NO_THROW(check_settings(top_k{.k = 4}, 4));
  EXPECT_NO_THROW(check_settings(top_k{.k = 0}, 4));
  EXPECT_NO_THROW(check_settings(top_p{.p = 1}, 4));
  EXPECT_NO_THROW(check_settings(above{}, 4));
}

TEST(selectors_death, more_than_the_route_holds_breaks_the_contract) {
  const std::vector<float> values(3, 1.0f);
  std::vector<float> keys = values;
  route small{2};
  EXPECT_CONTRACT(above{}.select({values, keys}, small));
  EXPECT_CONTRACT(top_k{.k = 3}.select({values, keys}, small));
  EXPECT_CONTRACT(top_p{}.select({values, keys}, small));
  EXPECT_CONTRACT(top_k{.k = -1}.select({values, keys}, small));
}

TEST(preferred, is_the_order_of_the_choice) {
  EXPECT_TRUE(preferred({1, 2.0f}, {0, 1.0f}));
  EXPECT_FALSE(preferred({0, 1.0f}, {1, 2.0f}));
  EXPECT_TRUE(preferred({0, 1.0f}, {1, 1.0f}));
  EXPECT_FALSE(preferred({0, 1.0f}, {0, 1.0f}));
}

}  // namespace
}  // namespace fissile
