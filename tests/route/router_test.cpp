// The router: score, squash, select; what it counts, what it refuses, and that nothing hangs on batches or threads.
#include <fissile/base/thread_pool.hpp>
#include <fissile/partition/even_slices.hpp>
#include <fissile/route/above.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/oracle_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/route/top_p.hpp>

#include "base/refusal.hpp"
#include "route/scored.hpp"
#include "support/random_ffn.hpp"

#include <cmath>
#include <cstring>

namespace fissile {
namespace {

using testing::at_weight_1;
using testing::difficult_scores;
using testing::not_a_number;
using testing::random_numbers;
using testing::refusal;

struct sizes {
  index_t width_, neurons_, experts_;
  index_t width() const noexcept { return width_; }
  index_t neurons() const noexcept { return neurons_; }
  index_t experts() const noexcept { return experts_; }
  index_t largest_expert() const noexcept { return neurons_; }
};

/// The token is its own scores.
struct own_scores {
  index_t count;
  index_t experts() const noexcept { return count; }
  index_t width() const noexcept { return count; }
  index_t scratch() const noexcept { return 0; }
  void score(matrix_view<const float> tokens, matrix_view<float> scores, vector_view<float>) const noexcept {
    for (index_t token = 0; token < tokens.rows(); ++token) {
      for (index_t e = 0; e < count; ++e) scores(token, e) = tokens(token, e);
    }
  }
};

TEST(router, scores_squashes_and_selects_every_token) {
  random_source random{1};
  for (int trial = 0; trial < 200; ++trial) {
    const index_t experts = 1 + random.below(9), tokens = random.below(30), more = random.below(3);
    std::vector<float> numbers;
    for (index_t token = 0; token < tokens; ++token) {
      const std::vector<float> scores = difficult_scores(random, experts);
      numbers.insert(numbers.end(), scores.begin(), scores.end());
    }
    const auto threshold = static_cast<float>(random.uniform());
    const router choose{own_scores{experts}, sigmoid{}, scaled{above{.threshold = threshold}}};
    EXPECT_EQ(choose.experts(), experts);
    EXPECT_EQ(choose.width(), experts);
    workspace work{sizes{experts, 1, experts + more}, {.batch = 30}};  // larger than need be
    choose({numbers.data(), tokens, experts}, work);
    ASSERT_EQ(work.routes().length(), tokens);
    for (index_t token = 0; token < tokens; ++token) {
      std::vector<choice> expected;
      index_t undefined = 0;
      for (index_t e = 0; e < experts; ++e) {
        const float value = sigmoid::of(numbers[to_size(token * experts + e)]);
        if (std::isnan(value)) {
          ++undefined;
        } else {
          ASSERT_EQ(work.scores(experts)(token, e), value);
        }
        if (value > threshold) expected.push_back({e, value});
      }
      const route& chosen = work.routes()[token];
      ASSERT_EQ((std::vector<choice>{chosen.begin(), chosen.end()}), expected);
      ASSERT_EQ(chosen.undefined_scores, undefined);
    }
  }
}

/// What decorators forbid is no undefined score, and what they add to it does not hide one.
TEST(router, counts_the_scores_that_are_no_number_and_no_others) {
  const std::vector<float> token{1, not_a_number, 3, 2};
  workspace work{sizes{4, 1, 4}};
  router{own_scores{4}, no_squash{}, with_shared{among{top_k{.k = 1}, {1, 1, 0, 1}}, {1}}}(
      vector_view<const float>(token), work);
  EXPECT_EQ(work.routes()[0].undefined_scores, 1);
  EXPECT_EQ((std::vector<choice>{work.routes()[0].begin(), work.routes()[0].end()}), at_weight_1({1, 3}));
  const std::vector<float> lost(4, not_a_number);
  router{own_scores{4}, softmax{}, at_least_one{top_p{}}}(vector_view<const float>(lost), work);
  EXPECT_EQ(work.routes()[0].undefined_scores, 4);
  EXPECT_TRUE(work.routes()[0].empty());
}

TEST(router, refuses_settings_when_it_is_made) {
  EXPECT_EQ(refusal<setting_error>([] {
              router{own_scores{4}, sigmoid{}, scaled{top_k{.k = 5}}};
            }),
            "top_k: k: expected from 0 to 4, the number of experts, got 5");
}

/// The bits of scores and routes: one batch on one thread against random splits on any number of threads.
template <class Router>
void expect_same_bits(const Router& choose, random_source& random, const sizes& layer) {
  constexpr index_t tokens = 53;
  const auto numbers = random_numbers<float>(random, tokens * choose.width());
  const matrix_view<const float> batch{numbers.data(), tokens, choose.width()};
  workspace whole{layer, {.batch = tokens}};
  choose(batch, whole);
  for (index_t threads = 1; threads <= 4; ++threads) {
    thread_pool pool{threads};
    workspace part{layer, {.batch = tokens}, pool};
    for (index_t first = 0; first < tokens;) {
      const index_t count = std::min(tokens - first, 1 + random.below(20));
      choose(batch.rows(first, count), part);
      for (index_t token = 0; token < count; ++token) {
        ASSERT_EQ(part.routes()[token], whole.routes()[first + token]) << threads << " threads";
        ASSERT_EQ(std::memcmp(part.scores(choose.experts()).row(token).data(),
                              whole.scores(choose.experts()).row(first + token).data(),
                              to_size(choose.experts()) * sizeof(float)),
                  0);
      }
      first += count;
    }
  }
}

TEST(router, gives_the_same_bits_for_any_threads_and_any_batches) {
  random_source random{2};
  for (int trial = 0; trial < 8; ++trial) {
    const index_t width = 1 + random.below(40), experts = 2 + random.below(30);
    const auto rows = random_numbers<float>(random, experts * width);
    const linear_scorer linear{.weights = {rows.data(), experts, width}};
    const sizes layer{width, 96, experts};
    expect_same_bits(router{linear, softmax{}, normalised{scaled{top_k{.k = 2}}}}, random, layer);
    expect_same_bits(router{linear, softmax{}, scaled{top_p{}}}, random, layer);
    const auto owned = testing::random_ffn<bf16>(random, {.width = width, .neurons = 96});
    const partition split = even_slices{}.split(96, experts);
    expect_same_bits(router{oracle_scorer{borrow(owned.view(), split), gelu_tanh{}, phi::squared{}}, relu_squash{},
                            rescaled{above{.threshold = 0.1f}}},
                     random, layer);
    expect_same_bits(router{oracle_scorer{borrow(owned.view(), split), silu{}, phi::contribution::of(owned.view())},
                            no_squash{}, scaled{top_k{.k = 1}}},
                     random, layer);
  }
}

TEST(router_death, what_does_not_fit_the_workspace_breaks_the_contract) {
  const router choose{own_scores{4}, sigmoid{}, above{}};
  const std::vector<float> numbers(12);
  workspace work{sizes{4, 1, 4}, {.batch = 2}};
  EXPECT_CONTRACT(choose({numbers.data(), 3, 4}, work));
  EXPECT_CONTRACT(choose({numbers.data(), 2, 3}, work));
  workspace few{sizes{4, 1, 3}, {.batch = 2}};
  EXPECT_CONTRACT(choose({numbers.data(), 2, 4}, few));
  const std::vector<float> many(40);
  const linear_scorer wide{.weights = {many.data(), 1, 40}};
  EXPECT_CONTRACT((router{wide, sigmoid{}, above{}}({many.data(), 1, 40}, work)));  // its scratch is too small
}

}  // namespace
}  // namespace fissile
