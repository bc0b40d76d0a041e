// A packed router: the scores of the rows it was made from, and the same bits and routes however it is asked.
#include <fissile/base/thread_pool.hpp>
#include <fissile/route/packed_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/top_k.hpp>

#include "base/refusal.hpp"
#include "pack/machine.hpp"
#include "support/random_ffn.hpp"

#include <cmath>
#include <cstring>

namespace fissile {
namespace {

using testing::random_numbers;

struct scored_sizes {
  index_t features, scores;
  index_t width() const noexcept { return features; }
  index_t neurons() const noexcept { return scores; }
  index_t experts() const noexcept { return scores; }
  index_t largest_expert() const noexcept { return 1; }
};

template <class T>
class packed_scorers : public ::testing::Test {};
using kinds = ::testing::Types<float, bf16, f16, int8>;
TYPED_TEST_SUITE(packed_scorers, kinds);

/// What the rows lose by being stored as T, relative to the scored_sizes of a sum's terms.
template <class T>
constexpr double loss = std::same_as<T, float> ? 1e-6
                        : std::same_as<T, f16> ? 6e-4
                                               : 5e-3;

TYPED_TEST(packed_scorers, score_as_the_rows_do_up_to_their_storage) {
  random_source random{1};
  for (int trial = 0; trial < 20; ++trial) {
    const index_t width = 1 + random.below(90), experts = 1 + random.below(140), tokens = 1 + random.below(8);
    const auto rows = random_numbers<float>(random, experts * width), x = random_numbers<float>(random, tokens * width);
    const matrix_view<const float> map{rows.data(), experts, width};
    for (const instruction_set set : testing::machine_sets()) {
      const packed_scorer policy{packed_matrix<TypeParam>{map, {.instructions = set}}};
      static_assert(scorer<packed_scorer<TypeParam>>);
      ASSERT_EQ(policy.experts(), experts);
      ASSERT_EQ(policy.width(), width);
      ASSERT_EQ(policy.scratch(), 0);
      std::vector<float> scores(to_size(tokens * experts), std::nanf(""));
      policy.score({x.data(), tokens, width}, {scores.data(), tokens, experts}, {});
      for (index_t at = 0; at < tokens * experts; ++at) {
        double exact = 0, size = 0, most = 0;
        for (index_t i = 0; i < width; ++i) {
          const double row = rows[to_size(at % experts * width + i)], feature = x[to_size(at / experts * width + i)];
          exact += row * feature;
          size += std::abs(row * feature);
          most += std::abs(feature) * (std::same_as<TypeParam, int8> ? 3.0 : 0.0);  // int8: of the row's largest
        }
        ASSERT_NEAR(scores[to_size(at)], exact, loss<TypeParam> * (size + most)) << name_of(set) << ' ' << trial;
      }
    }
  }
}

TYPED_TEST(packed_scorers, make_the_same_routes_and_score_bits_in_any_batch_and_on_any_threads) {
  random_source random{2};
  constexpr index_t width = 33, experts = 70, tokens = 60;
  const auto rows = random_numbers<float>(random, experts * width), x = random_numbers<float>(random, tokens * width);
  const matrix_view<const float> map{rows.data(), experts, width};
  for (const instruction_set set : testing::machine_sets()) {
    const router choose{packed_scorer{packed_matrix<TypeParam>{map, {.instructions = set}}}, softmax{}, top_k{.k = 8}};
    workspace whole{scored_sizes{width, experts}, {.batch = tokens}};
    choose({x.data(), tokens, width}, whole);
    ASSERT_EQ(whole.routes()[0].length(), 8);
    for (const index_t threads : {1, 2, 3, 4}) {
      thread_pool pool{threads};
      workspace part{scored_sizes{width, experts + 5}, {.batch = tokens}, pool};  // of a larger layer
      for (index_t first = 0; first < tokens;) {
        const index_t count = std::min(tokens - first, 1 + random.below(20));
        choose({x.data() + first * width, count, width}, part);
        for (index_t t = 0; t < count; ++t) {
          ASSERT_EQ(part.routes()[t], whole.routes()[first + t]) << name_of(set);
          ASSERT_EQ(std::memcmp(part.scores(experts).row(t).data(), whole.scores(experts).row(first + t).data(),
                                experts * sizeof(float)),
                    0)
              << name_of(set);
        }
        first += count;
      }
    }
  }
}

TEST(packed_scorer, makes_routers_refuse_more_choices_than_it_scores) {
  const std::vector<float> rows(12);
  const auto made = [&](index_t k) {
    router{packed_scorer{packed_matrix{matrix_view<const float>{rows.data(), 4, 3}}}, softmax{}, top_k{.k = k}};
  };
  EXPECT_NO_THROW(made(4));
  EXPECT_THROW(made(5), setting_error);
}

TEST(packed_scorer_death, ends_the_program_when_scores_have_another_shape) {
  const std::vector<float> rows(12), x(3);
  std::vector<float> scores(5);
  const packed_scorer policy{packed_matrix{matrix_view<const float>{rows.data(), 4, 3}}};
  EXPECT_CONTRACT(policy.score({x.data(), 1, 3}, {scores.data(), 1, 5}, {}));
}

}  // namespace
}  // namespace fissile
