// Co-activation of neurons against MoEfication's formula in plain code; batches do not depend on how tokens come.
#include <fissile/detect/neuron_coactivation.hpp>
#include <fissile/partition/coactivation_graph.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::message_of;

static_assert(hidden_observer<neuron_coactivation> && !route_observer<neuron_coactivation>);

/// moefication/adj.py: torch.clamp(torch.bmm(res, res.transpose(1, 2)).sum(0), max=1), batch by batch.
std::vector<double> plain_adjacency(const std::vector<float>& hidden, const neuron_coactivation_settings& settings) {
  const index_t n = settings.neurons, batches = length(hidden) / n / settings.batch;
  const auto part = [&](index_t token, index_t j) {
    const auto h = static_cast<double>(hidden[to_size(token * n + j)]);
    return settings.part == activation_part::magnitude ? std::abs(h) : h > 0 ? h : 0.0;
  };
  std::vector<double> adjacency(to_size(n * n), 0.0);
  for (index_t i = 0; i < batches; ++i) {
    for (index_t a = 0; a < n; ++a) {
      for (index_t b = 0; b < n; ++b) {
        double sum = 0;
        for (index_t t = i * settings.batch; t < (i + 1) * settings.batch; ++t) sum += part(t, a) * part(t, b);
        adjacency[to_size(a * n + b)] += std::min(sum, settings.clamp);
      }
    }
  }
  return adjacency;
}

TEST(neuron_coactivation, equals_the_formula_however_tokens_are_cut) {
  random_source random{141};
  for (int trial = 0; trial < 30; ++trial) {
    const neuron_coactivation_settings settings{
        .neurons = 1 + random.below(20),
        .batch = 1 + random.below(10),
        .clamp = 0.2 + 2 * random.uniform(),
        .part = random.below(2) == 0 ? activation_part::positive : activation_part::magnitude};
    const index_t n = settings.neurons, tokens = random.below(60);
    const auto hidden = testing::random_numbers<float>(random, tokens * n, 0.5);
    const matrix_view<const float> all{hidden.data(), tokens, n};
    neuron_coactivation whole{settings}, pieces{settings};
    whole.add(all);
    for (index_t token = 0; token < tokens;) {
      const index_t count = std::min(tokens - token, 1 + random.below(13));
      pieces.add(all.rows(token, count));
      token += count;
    }
    EXPECT_EQ(whole.tokens(), static_cast<std::uint64_t>(tokens / settings.batch * settings.batch));
    const std::vector<double> expected = plain_adjacency(hidden, settings);
    for (index_t a = 0; a < n; ++a) {
      for (index_t b = 0; b < n; ++b) {
        ASSERT_NEAR(whole.weights()(a, b), expected[to_size(a * n + b)], 1e-12 * (1 + expected[to_size(a * n + b)]));
        ASSERT_EQ(whole.weights()(a, b), whole.weights()(b, a));
        ASSERT_EQ(whole.weights()(a, b), pieces.weights()(a, b));
      }
    }
  }
}

TEST(neuron_coactivation, watches_a_layer_that_runs_as_one_expert) {
  random_source random{142};
  const auto ffn = testing::random_ffn<float>(random, {.width = 6, .neurons = 9});
  const auto x = testing::random_numbers<float>(random, 16 * 6, 3);
  std::vector<float> y(x.size()), hidden;
  for (index_t token = 0; token < 16; ++token) {
    for (index_t j = 0; j < 9; ++j) hidden.push_back(hidden_of<float>(ffn.view(), silu{}, j, x.data() + token * 6));
  }
  const sparse_ffn run{borrow(ffn.view(), even_slices{}.split(9, 1)), silu{}};
  workspace work{run, {.batch = 16}};
  work.choose_all(16, 1);
  neuron_coactivation found{{.neurons = 9, .part = activation_part::magnitude, .corpus = "guide"}};
  run({x.data(), 16, 6}, work, {y.data(), 16, 6}, found);
  EXPECT_EQ(found.tokens(), 16u);
  EXPECT_EQ(found.corpus(), "guide");
  const std::vector<double> expected = plain_adjacency(hidden, {.neurons = 9, .part = activation_part::magnitude});
  for (index_t a = 0; a < 9; ++a) {
    for (index_t b = 0; b < 9; ++b) EXPECT_NEAR(found.weights()(a, b), expected[to_size(a * 9 + b)], 1e-5);
  }
  EXPECT_EQ(coactivation_graph{.weights = found.weights()}.split(ffn.view(), 3).experts(), 3);
}

TEST(neuron_coactivation, merging_equals_one_pass) {
  random_source random{143};
  const auto hidden = testing::random_numbers<float>(random, 80 * 7);
  const matrix_view<const float> all{hidden.data(), 80, 7};
  neuron_coactivation one{{.neurons = 7}}, a{{.neurons = 7, .corpus = "b"}}, b{{.neurons = 7, .corpus = "a"}};
  one.add(all);
  a.add(all.rows(0, 32));
  b.add(all.rows(32, 48));
  a.merge(b);
  EXPECT_EQ(a.tokens(), 80u);
  EXPECT_EQ(a.corpus(), "a + b");
  for (index_t i = 0; i < 7; ++i) {
    for (index_t j = 0; j < 7; ++j) ASSERT_NEAR(a.weights()(i, j), one.weights()(i, j), 1e-12 * one.weights()(i, j));
  }
}

TEST(neuron_coactivation, what_is_no_number_is_taken_for_zero_and_counted) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  neuron_coactivation found{{.neurons = 3, .batch = 2, .clamp = 100}};
  const std::vector<float> hidden{nan, 2, 3, -infinity, infinity, 5};
  found.add({hidden.data(), 2, 3});
  EXPECT_EQ(found.undefined(), 3u);
  EXPECT_EQ(found.weights()(0, 0), 0);
  EXPECT_EQ(found.weights()(1, 2), 6);
  EXPECT_EQ(found.weights()(2, 2), 34);
}

TEST(neuron_coactivation, refuses_what_cannot_be) {
  EXPECT_EQ(message_of<setting_error>([] { neuron_coactivation{{.neurons = 0}}; }),
            "neuron_coactivation: neurons: expected at least 1, got 0");
  EXPECT_EQ(message_of<setting_error>([] { neuron_coactivation{{.neurons = 1, .batch = 0}}; }),
            "neuron_coactivation: batch: expected at least 1, got 0");
  EXPECT_EQ(message_of<setting_error>([] { neuron_coactivation{{.neurons = 1, .clamp = 0}}; }),
            "neuron_coactivation: clamp: expected above 0, got 0.000000");
  neuron_coactivation found{{.neurons = 2}};
  EXPECT_EQ(message_of<shape_error>([&] { found.merge(neuron_coactivation{{.neurons = 3}}); }),
            "neuron_coactivation::merge: expected 2 neurons, got 3");
  EXPECT_EQ(message_of<setting_error>([&] { found.merge(neuron_coactivation{{.neurons = 2, .batch = 4}}); }),
            "neuron_coactivation::merge: expected the same batch, clamp and part, got others; sums of different things "
            "cannot be added");
}

}  // namespace
}  // namespace fissile
