// CMoE's router against plain loops, alone and as the whole that its paper describes.
#include <fissile/route/analytic_scorer.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/one_plus.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/top_k.hpp>

#include "base/refusal.hpp"
#include "route/few_tokens.hpp"
#include "support/random_ffn.hpp"
#include "weights/plain_ffn.hpp"

namespace fissile {
namespace {

using testing::random_numbers;
using testing::scores_of_few;

static_assert(scorer<analytic_scorer<silu>>);

/// |activation(x . g^) * (x . u^)| of one neuron, rows of length 1.
template <element T>
double plain_analytic(const owned_ffn<T>& ffn, index_t neuron, const float* x) {
  const auto product = [&](const std::vector<T>& rows) {
    long double sum = 0, norm = 0;
    for (index_t i = 0; i < ffn.width; ++i) {
      const long double weight = testing::plain_number(rows[to_size(neuron * ffn.width + i)]);
      sum += weight * static_cast<long double>(x[i]);
      norm += weight * weight;
    }
    return sum / std::sqrt(norm);
  };
  const long double up = product(ffn.up);
  return static_cast<double>(
      std::abs(ffn.gate.empty() ? testing::plain(silu{}, up) : testing::plain(silu{}, product(ffn.gate)) * up));
}

template <element T>
void expect_representatives_score(random_source& random) {
  const auto owned = testing::random_ffn<T>(random, testing::random_shape(random));
  const index_t experts = 1 + random.below(12), shared = random.below(3), count = 1 + random.below(lanes);
  std::vector<index_t> representatives;
  for (index_t e = 0; e < experts; ++e) representatives.push_back(random.below(owned.neurons));
  const auto x = random_numbers<float>(random, count * owned.width);
  const matrix_view<const float> tokens{x.data(), count, owned.width};
  const analytic_scorer policy{unit_rows_of(owned.view(), representatives), silu{}, shared};
  ASSERT_EQ(policy.experts(), shared + experts);
  ASSERT_EQ(policy.width(), owned.width);
  const std::vector<float> scores = scores_of_few(policy, tokens);
  for (index_t token = 0; token < count; ++token) {
    const float* own = scores.data() + token * policy.experts();
    for (index_t e = 0; e < shared; ++e) ASSERT_EQ(own[e], -HUGE_VALF);
    for (index_t e = 0; e < experts; ++e) {
      const double exact = plain_analytic(owned, representatives[to_size(e)], tokens.row(token).data());
      ASSERT_NEAR(static_cast<double>(own[shared + e]), exact, 2e-5 * (1 + exact));
    }
  }
  testing::expect_no_token_sees_another(policy, tokens);
}

TEST(analytic_scorer, is_what_the_representative_does) {
  random_source random{1};
  for (int trial = 0; trial < 40; ++trial) {
    expect_representatives_score<float>(random);
    expect_representatives_score<bf16>(random);
  }
}

TEST(analytic_scorer, refuses_less_than_no_shared_experts) {
  EXPECT_EQ(testing::refusal<setting_error>([] { analytic_scorer(unit_rows{}, silu{}, -1); }),
            "analytic_scorer: shared: expected at least 0, got -1");
}

/// The router of CMoE as its code computes it: softmax of the routed experts' scores, bias for the choice, weights from
/// the scores alone, shared experts beside.
TEST(analytic_scorer, is_with_its_decorators_the_router_of_the_paper) {
  random_source random{2};
  struct sizes {
    index_t width() const noexcept { return 9; }
    index_t neurons() const noexcept { return 40; }
    index_t experts() const noexcept { return 8; }
    index_t largest_expert() const noexcept { return 5; }
  };
  index_t moved_by_bias = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const auto owned = testing::random_ffn<float>(random, {.width = 9, .neurons = 40});
    const index_t shared = random.below(3), routed = 8 - shared, k = 1 + random.below(3), tokens = 5;
    std::vector<index_t> representatives, shared_experts;
    for (index_t e = 0; e < routed; ++e) representatives.push_back(random.below(40));
    for (index_t e = 0; e < shared; ++e) shared_experts.push_back(e);
    const auto bias = random_numbers<float>(random, 8, trial % 2 == 0 ? 0.0 : 0.05);
    const auto scale = random_numbers<float>(random, 8, trial % 3 == 0 ? 0.0 : 1.0);
    const auto x = random_numbers<float>(random, tokens * 9, 3);
    const router choose{analytic_scorer{unit_rows_of(owned.view(), representatives), silu{}, shared}, softmax{},
                        with_shared{one_plus{biased{top_k{.k = k}, bias}, scale}, shared_experts}};
    workspace work{sizes{}, {.batch = tokens}};
    choose({x.data(), tokens, 9}, work);
    for (index_t token = 0; token < tokens; ++token) {
      std::vector<double> soft;
      double sum = 0;
      for (index_t e = 0; e < routed; ++e) {
        soft.push_back(std::exp(plain_analytic(owned, representatives[to_size(e)], x.data() + token * 9)));
        sum += soft.back();
      }
      std::vector<index_t> order(soft.size()), plain_order;
      for (index_t e = 0; e < routed; ++e) order[to_size(e)] = e;
      plain_order = order;
      const auto key = [&](index_t e) {
        return soft[to_size(e)] / sum + static_cast<double>(bias[to_size(shared + e)]);
      };
      std::stable_sort(order.begin(), order.end(), [&](index_t a, index_t b) { return key(a) > key(b); });
      std::stable_sort(plain_order.begin(), plain_order.end(),
                       [&](index_t a, index_t b) { return soft[to_size(a)] > soft[to_size(b)]; });
      if (key(order[to_size(k - 1)]) - key(order[to_size(k)]) < 1e-5) continue;  // too close for float to agree
      std::vector<index_t> best(order.begin(), order.begin() + k);
      moved_by_bias += std::is_permutation(best.begin(), best.end(), plain_order.begin()) ? 0 : 1;
      std::sort(best.begin(), best.end());
      const route& chosen = work.routes()[token];
      ASSERT_EQ(chosen.length(), shared + k);
      EXPECT_EQ(chosen.undefined_scores, 0);
      for (index_t e = 0; e < shared; ++e) EXPECT_EQ(chosen[e], (choice{e, 1.0f}));
      for (index_t i = 0; i < k; ++i) {
        const index_t e = best[to_size(i)];
        EXPECT_EQ(chosen[shared + i].expert, shared + e);
        EXPECT_NEAR(static_cast<double>(chosen[shared + i].weight),
                    1 + soft[to_size(e)] / sum * static_cast<double>(scale[to_size(shared + e)]), 1e-5);
      }
    }
  }
  EXPECT_GT(moved_by_bias, 5) << "the bias changed who was chosen";
}

}  // namespace
}  // namespace fissile
