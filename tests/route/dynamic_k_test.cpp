// D2DMoE's two rules: near the largest, against its formula; and a share of the sum, which top_p is.
#include <fissile/route/decorators.hpp>
#include <fissile/route/dynamic_k.hpp>
#include <fissile/route/top_p.hpp>

#include "base/refusal.hpp"
#include "route/scored.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fissile {
namespace {

using testing::at_weight_1;
using testing::infinite;
using testing::not_a_number;
using testing::refusal;
using testing::selected;

static_assert(selector<dynamic_k>);

/// The largest score that is a number; minus infinity where there is none.
float largest_of(const std::vector<float>& scores) {
  float largest = -infinite;
  for (const float score : scores) largest = score > largest ? score : largest;
  return largest;
}

template <class Keep>
std::vector<choice> those_that(const std::vector<float>& scores, const Keep& keep) {
  std::vector<index_t> kept;
  for (index_t e = 0; e < length(scores); ++e) {
    if (keep(scores[to_size(e)])) kept.push_back(e);
  }
  return at_weight_1(kept);
}

TEST(dynamic_k, chooses_all_that_are_near_enough_to_the_largest) {
  random_source random{1};
  for (int trial = 0; trial < 3000; ++trial) {
    const std::vector<float> scores = testing::difficult_scores(random, random.below(20));
    const float largest = largest_of(scores);
    if (!std::isfinite(largest)) continue;
    const float tau = std::array<float, 6>{0, 0.1f, 0.25f, 0.5f, 0.9f, 1}[to_size(random.below(6))];
    const float least = (1 - tau) * largest;
    EXPECT_EQ(selected(dynamic_k{.tau = tau}, scores), those_that(scores, [&](float s) { return s >= least; }));
  }
}

TEST(dynamic_k, has_its_bounds) {
  random_source random{2};
  for (int trial = 0; trial < 2000; ++trial) {
    const std::vector<float> scores = testing::difficult_scores(random, 1 + random.below(20));
    const float largest = largest_of(scores);
    EXPECT_EQ(selected(dynamic_k{.tau = 0}, scores), those_that(scores, [&](float s) { return s == largest; }))
        << "the largest and its equals";
    if (largest >= 0) {
      EXPECT_EQ(selected(dynamic_k{.tau = 1}, scores), those_that(scores, [](float s) { return s >= 0; }));
    }
    if (largest > 0) {
      std::size_t before = 0;
      for (const float tau : {0.0f, 0.2f, 0.5f, 0.8f, 1.0f}) {
        const std::vector<choice> chosen = selected(dynamic_k{.tau = tau}, scores);
        EXPECT_GE(chosen.size(), std::max<std::size_t>(1, before)) << "at least one, and more with a larger tau";
        before = chosen.size();
      }
    }
  }
}

TEST(dynamic_k, is_defined_where_scores_are_odd) {
  EXPECT_EQ(selected(dynamic_k{.tau = 0.5f}, {}), at_weight_1({}));
  EXPECT_EQ(selected(dynamic_k{.tau = 0.5f}, {not_a_number, not_a_number}), at_weight_1({}));
  EXPECT_EQ(selected(dynamic_k{.tau = 0.5f}, {not_a_number, 1, 0.5f, 0.4f}), at_weight_1({1, 2}));
  EXPECT_EQ(selected(dynamic_k{.tau = 0.5f}, {-1, -2}), at_weight_1({})) << "half of -1 is more than -1";
  EXPECT_EQ(selected(dynamic_k{.tau = 0}, {-1, -2}), at_weight_1({0}));
  EXPECT_EQ(selected(at_least_one{dynamic_k{.tau = 0.5f}}, {-1, -2}), at_weight_1({0}));
  EXPECT_EQ(selected(dynamic_k{.tau = 0.5f}, {infinite, 9, infinite}), at_weight_1({0, 2}));
  EXPECT_EQ(selected(dynamic_k{.tau = 1}, {infinite, 9, -1}), at_weight_1({0, 1}));
  EXPECT_EQ(selected(dynamic_k{.tau = 0.5f}, {0.0f, -0.0f, -1}), at_weight_1({0, 1}));
}

TEST(dynamic_k, refuses_a_tau_that_is_no_share) {
  EXPECT_EQ(refusal<setting_error>([] { check_settings(dynamic_k{.tau = 1.5f}, 3); }),
            "dynamic_k: tau: expected from 0 to 1, got 1.500000");
  EXPECT_THROW(check_settings(scaled{dynamic_k{.tau = not_a_number}}, 3), setting_error);
  check_settings(dynamic_k{}, 3);
}

/// The code's "dynk": sort, add up shares, keep where the sum before is below tau, and the first in any case.
std::vector<choice> plain_cumulative(const std::vector<float>& norms, double tau) {
  std::vector<index_t> order(norms.size());
  std::iota(order.begin(), order.end(), index_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](index_t a, index_t b) { return norms[to_size(a)] > norms[to_size(b)]; });
  const double total = std::accumulate(norms.begin(), norms.end(), 0.0);
  std::vector<index_t> kept;
  double cumulative = 0;
  for (const index_t e : order) {
    if (kept.empty() || cumulative < tau * total) kept.push_back(e);
    cumulative += static_cast<double>(norms[to_size(e)]);
  }
  std::sort(kept.begin(), kept.end());
  return at_weight_1(kept);
}

TEST(dynamic_k, has_its_cumulative_rule_in_top_p) {
  random_source random{3};
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<float> norms(to_size(1 + random.below(20)));
    for (float& norm : norms) norm = static_cast<float>(random.below(40)) / 8;  // sums are exact, and equals common
    const float tau = static_cast<float>(1 + random.below(16)) / 16;
    EXPECT_EQ(selected(top_p{.p = tau}, norms), plain_cumulative(norms, static_cast<double>(tau)));
  }
}

}  // namespace
}  // namespace fissile
