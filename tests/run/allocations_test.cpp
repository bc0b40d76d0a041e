// Routing, running and observing allocate nothing: counted by an operator new of the test's own.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // inlines only one of a pair and takes it for the wrong one
#endif
#include "support/counting_new.hpp"

#include <fissile/base/thread_pool.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/route/above.hpp>
#include <fissile/route/decorators.hpp>
#include <fissile/route/linear_scorer.hpp>
#include <fissile/route/oracle_scorer.hpp>
#include <fissile/route/router.hpp>
#include <fissile/route/top_k.hpp>
#include <fissile/route/top_p.hpp>
#include <fissile/run/mean_replacement.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/run/thresholded_ffn.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace fissile {
namespace {

/// Heap allocations while `body` runs.
template <class Body>
std::size_t allocations_in(const Body& body) {
  const std::size_t before = testing::allocations;
  body();
  return testing::allocations - before;
}

struct counter {
  std::vector<std::uint64_t> uses;  // [experts]
  double hidden = 0;
  void token(const route& chosen) noexcept {
    for (const choice& c : chosen) ++uses[to_size(c.expert)];
  }
  void expert(index_t, choice, vector_view<const float> activations) noexcept {
    for (float h : activations) hidden += static_cast<double>(h);
  }
};

TEST(allocations, the_count_sees_them) {
  std::unique_ptr<int> kept;
  EXPECT_EQ(allocations_in([&] { kept = std::make_unique<int>(1); }), 1u);
  std::vector<double> numbers;
  EXPECT_EQ(allocations_in([&] { numbers.resize(100); }), 1u);
}

TEST(allocations, none_by_router_layer_and_observer) {
  random_source random{1};
  constexpr index_t width = 24, neurons = 200, experts = 16, batch = 40;
  const auto owned = testing::random_ffn<bf16>(random, {.width = width, .neurons = neurons});
  const sparse_ffn run{borrow(owned.view(), shuffled{}.split(neurons, experts)), gelu{}};
  const auto rows = testing::random_numbers<float>(random, experts * width);
  const auto x = testing::random_numbers<float>(random, batch * width);
  std::vector<float> y(x.size());
  const linear_scorer linear{.weights = {rows.data(), experts, width}};
  const router sparse{linear, sigmoid{}, with_shared{normalised{scaled{top_k{.k = 3}}}, {0, 7}}};
  const router threshold{linear, softmax{},
                         rescaled{at_least_one{biased{above{.threshold = 0.1f}, std::vector<float>(experts)}}}};
  const router oracle{oracle_scorer{borrow(owned.view(), run.split()), gelu{}}, no_squash{},
                      among{top_p{.p = 0.5f}, std::vector<char>(experts, 1)}};
  counter first{.uses = std::vector<std::uint64_t>(to_size(experts))}, second = first;
  for (const index_t threads : {index_t{1}, index_t{2}, index_t{4}}) {
    thread_pool pool{threads};
    workspace work{run, {.batch = batch}, pool};
    const auto everything = [&](const auto& choose, index_t tokens) {
      const matrix_view<const float> in{x.data(), tokens, width};
      const matrix_view<float> out{y.data(), tokens, width};
      choose(in, work);
      run(in, work, out, first);
      run.accumulate(in, work, out, observers{first, second});
    };
    for (const index_t tokens : {index_t{1}, index_t{3}, batch}) {  // from the very first call on
      EXPECT_EQ(allocations_in([&] { everything(sparse, tokens); }), 0u) << threads << " threads";
      EXPECT_EQ(allocations_in([&] { everything(threshold, tokens); }), 0u) << threads << " threads";
      EXPECT_EQ(allocations_in([&] { everything(oracle, tokens); }), 0u) << threads << " threads";
    }
  }
  EXPECT_GT(first.uses[0], 0u);
  EXPECT_NE(second.hidden, 0);
}

TEST(allocations, none_by_thresholds_and_means) {
  random_source random{2};
  constexpr index_t width = 24, neurons = 200, experts = 16, batch = 40;
  const auto owned = testing::random_ffn<float>(random, {.width = width, .neurons = neurons});
  const auto x = testing::random_numbers<float>(random, batch * width);
  std::vector<float> y(x.size());
  const matrix_view<const float> in{x.data(), batch, width};
  const matrix_view<float> out{y.data(), batch, width};
  const sparse_ffn run{borrow(owned.view(), shuffled{}.split(neurons, experts)), silu{}};
  workspace work{run, {.batch = batch}};
  hidden_means means{run.split()};
  work.choose_all(batch, experts);
  EXPECT_EQ(allocations_in([&] { run(in, work, out, means); }), 0u);
  const mean_replacement replace{borrow(owned.view(), run.split()), means};
  work.choose_these(batch, std::vector<index_t>{1, 5});
  EXPECT_EQ(allocations_in([&] {
              run(in, work, out);
              replace(work, out);
            }),
            0u);
  const thresholded_ffn thresholded{owned.view(), silu{}, {.gate_input = 0.1f, .activated = 0.05f}};
  thresholded_scratch scratch{thresholded};
  skipped_counts counts;
  EXPECT_EQ(allocations_in([&] { counts = thresholded(in, scratch, out); }), 0u);
  EXPECT_GT(counts.neurons, 0u);
}

}  // namespace
}  // namespace fissile
