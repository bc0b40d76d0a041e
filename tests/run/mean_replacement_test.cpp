// Experts replaced by their mean: against plain loops, in both modes of the paper's code, and bit for bit where it
// must.
#include <fissile/base/thread_pool.hpp>
#include <fissile/partition/shuffled.hpp>
#include <fissile/run/mean_replacement.hpp>
#include <fissile/run/sparse_ffn.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"
#include "weights/plain_ffn.hpp"

#include <cstring>
#include <limits>

namespace fissile {
namespace {

using testing::random_numbers;
using testing::random_routes;

static_assert(hidden_observer<hidden_means> && !route_observer<hidden_means>);

template <element T>
struct calibrated_layer {
  owned_ffn<T> owned;
  partition split;
  std::vector<float> calibration;
  hidden_means found{split};

  calibrated_layer(random_source& random, index_t tokens)
      : owned(testing::random_ffn<T>(random, testing::random_shape(random))),
        split(shuffled{.seed = random.bits()}.split(owned.neurons, 1 + random.below(owned.neurons))),
        calibration(random_numbers<float>(random, tokens * owned.width)) {
    workspace work{run(), {.batch = tokens}};
    work.choose_all(tokens, split.experts());
    std::vector<float> out(calibration.size());
    run()({calibration.data(), tokens, owned.width}, work, {out.data(), tokens, owned.width}, found);
  }
  auto run() const { return sparse_ffn{borrow(owned.view(), split), gelu{}}; }
};

enum class mean_of { neuron, output };

/// y of one token: chosen experts at their weights, the others by the mean of each neuron, or of the expert's output,
/// over the calibration tokens. The bias counts once.
template <element T>
std::vector<long double> plain_replaced(const calibrated_layer<T>& given, const float* x, const route& chosen,
                                        mean_of which) {
  const index_t width = given.owned.width, tokens = length(given.calibration) / width;
  std::vector<long double> out(to_size(width));
  for (index_t i = 0; i < width && !given.owned.down_bias.empty(); ++i) {
    out[to_size(i)] = static_cast<long double>(given.owned.down_bias[to_size(i)]);
  }
  const auto add = [&](index_t neuron, long double hidden) {
    for (index_t i = 0; i < width; ++i) {
      out[to_size(i)] += hidden * testing::plain_number(given.owned.down[to_size(i * given.owned.neurons + neuron)]);
    }
  };
  for (index_t e = 0; e < given.split.experts(); ++e) {
    const choice* found = std::find_if(chosen.begin(), chosen.end(), [&](const choice& c) { return c.expert == e; });
    for (index_t neuron : given.split.expert(e)) {
      if (found != chosen.end()) {
        add(neuron, static_cast<long double>(found->weight) * testing::plain_hidden(given.owned, gelu{}, neuron, x));
        continue;
      }
      long double mean = 0;
      for (index_t t = 0; t < tokens; ++t) {
        const long double hidden =
            testing::plain_hidden(given.owned, gelu{}, neuron, given.calibration.data() + t * width) /
            static_cast<long double>(tokens);
        if (which == mean_of::output) add(neuron, hidden);  // the mean of outputs
        mean += hidden;
      }
      if (which == mean_of::neuron) add(neuron, mean);
    }
  }
  return out;
}

template <element T>
void expect_means_in_place_of_experts(random_source& random) {
  const index_t tokens = 1 + random.below(9);
  const calibrated_layer<T> given{random, 1 + random.below(20)};
  const auto run = given.run();
  const mean_replacement replace{borrow(given.owned.view(), given.split), given.found};
  ASSERT_EQ(replace.experts(), given.split.experts());
  ASSERT_EQ(replace.width(), given.owned.width);
  const auto x = random_numbers<float>(random, tokens * given.owned.width);
  std::vector<float> y(x.size());
  const matrix_view<float> out{y.data(), tokens, given.owned.width};
  workspace work{run, {.batch = tokens}};
  random_routes(random, work, tokens, random.uniform());
  run({x.data(), tokens, given.owned.width}, work, out);
  replace(work, out);
  for (index_t token = 0; token < tokens; ++token) {
    for (const mean_of which : {mean_of::neuron, mean_of::output}) {
      const std::vector<long double> expected =
          plain_replaced(given, x.data() + token * given.owned.width, work.routes()[token], which);
      for (index_t i = 0; i < given.owned.width; ++i) {
        const auto exact = static_cast<double>(expected[to_size(i)]);
        ASSERT_NEAR(static_cast<double>(out(token, i)), exact, 1e-4 * (1 + std::abs(exact)));
      }
    }
  }
}

TEST(mean_replacement, is_the_mean_over_calibration_in_either_mode) {
  random_source random{1};
  for (int trial = 0; trial < 20; ++trial) {
    expect_means_in_place_of_experts<float>(random);
    expect_means_in_place_of_experts<bf16>(random);
  }
}

TEST(mean_replacement, changes_no_bit_with_all_experts_on) {
  random_source random{2};
  for (int trial = 0; trial < 20; ++trial) {
    const calibrated_layer<float> given{random, 5};
    const auto run = given.run();
    const mean_replacement replace{borrow(given.owned.view(), given.split), given.found};
    workspace work{run, {.batch = 5}};
    work.choose_all(5, given.split.experts());
    std::vector<float> y(given.calibration.size());
    const matrix_view<float> out{y.data(), 5, given.owned.width};
    run({given.calibration.data(), 5, given.owned.width}, work, out);
    const std::vector<float> before = y;
    replace(work, out);
    EXPECT_EQ(std::memcmp(before.data(), y.data(), y.size() * sizeof(float)), 0);
    work.start(5);
    std::fill(y.begin(), y.end(), 0.0f);
    replace(work, out);
    EXPECT_NE(before, y) << "with none on all means are added";
  }
}

TEST(mean_replacement, has_the_same_bits_for_any_threads_and_batches) {
  random_source random{3};
  thread_pool threads{3};
  for (int trial = 0; trial < 10; ++trial) {
    const calibrated_layer<float> given{random, 4};
    const auto run = given.run();
    const mean_replacement replace{borrow(given.owned.view(), given.split), given.found};
    const index_t tokens = 23, width = given.owned.width;
    workspace by_threads{run, {.batch = tokens}, threads}, one{run};
    random_routes(random, by_threads, tokens, 0.5);
    const auto start = random_numbers<float>(random, tokens * width);
    std::vector<float> together = start, alone = start;
    replace(by_threads, {together.data(), tokens, width});
    for (index_t token = 0; token < tokens; ++token) {
      one.start(1);
      one.routes()[0] = by_threads.routes()[token];
      replace(one, {alone.data() + token * width, 1, width});
    }
    EXPECT_EQ(std::memcmp(together.data(), alone.data(), alone.size() * sizeof(float)), 0);
  }
}

TEST(mean_replacement, serves_stacked_experts_that_count_their_own_neurons) {
  random_source random{4};
  const auto gate = random_numbers<float>(random, 3 * 4 * 5), up = random_numbers<float>(random, 3 * 4 * 5),
             down = random_numbers<float>(random, 3 * 5 * 4), x = random_numbers<float>(random, 5);
  const stacked_ffn_weights<float> stack{
      .gate = {gate.data(), 12, 5}, .up = {up.data(), 12, 5}, .down = {down.data(), 15, 4}, .experts = 3};
  const sparse_ffn run{borrow(stack), silu{}};
  workspace work{run};
  work.choose_all(1, 3);
  hidden_means found{run.split()};
  std::vector<float> dense(5), replaced(5);
  run({x.data(), 1, 5}, work, {dense.data(), 1, 5}, found);
  const mean_replacement replace{borrow(stack), found};
  work.start(1);
  work.routes()[0].append({1, 1.0f});
  run({x.data(), 1, 5}, work, {replaced.data(), 1, 5});
  replace(work, {replaced.data(), 1, 5});
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_NEAR(replaced[i], dense[i], 1e-4f) << "the mean of one token is that token";
}

TEST(hidden_means, merge_and_count_what_is_odd) {
  random_source random{5};
  const partition split{{{0, 3}, {1, 2, 4}}};
  hidden_means all{split}, a{split}, b{split};
  EXPECT_EQ(all.mean(1, 2), 0) << "before any token";
  std::vector<double> sums(3);
  for (int token = 0; token < 50; ++token) {
    const auto hidden = random_numbers<float>(random, 3);
    for (std::size_t j = 0; j < 3; ++j) sums[j] += static_cast<double>(hidden[j]);
    all.expert(0, {1, 0.5f}, hidden);
    (random.below(2) == 0 ? a : b).expert(0, {1, 2.0f}, hidden);
  }
  a.merge(b);
  EXPECT_EQ(a.times(1), 50u);
  EXPECT_EQ(a.times(0), 0u);
  for (index_t j = 0; j < 3; ++j) {
    EXPECT_EQ(all.mean(1, j), sums[to_size(j)] / 50) << "route weights do not count";
    EXPECT_NEAR(a.mean(1, j), all.mean(1, j), 1e-12);
  }
  a.expert(0, {0, 1}, std::vector<float>{std::nanf(""), 4});
  EXPECT_EQ(a.undefined(), 1u);
  EXPECT_EQ(a.mean(0, 0), 0);
  EXPECT_EQ(a.mean(0, 1), 4);
}

TEST(mean_replacement, refuses_means_of_another_split) {
  random_source random{6};
  const auto owned = testing::random_ffn<float>(random, {.width = 2, .neurons = 4});
  const hidden_means found{partition{{{0, 1}, {2, 3}}}};
  EXPECT_EQ(testing::refusal<shape_error>([&] {
              mean_replacement(borrow(owned.view(), partition{{{0, 2}, {1, 3}}}), found);
            }),
            "mean_replacement: found: expected means of these experts, got those of another partition; collect them "
            "with the partition that runs");
}

}  // namespace
}  // namespace fissile
