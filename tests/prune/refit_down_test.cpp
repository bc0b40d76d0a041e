#include <fissile/partition/even_slices.hpp>
#include <fissile/prune/output_error.hpp>
#include <fissile/prune/refit_down.hpp>

#include "file/temporary.hpp"
#include "prune/plain_algebra.hpp"
#include "support/random_samples.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::expect_says;
using testing::input_sample;
using testing::measured;
using testing::message_of;

/// A layer with some neurons removed, and hidden activations made up for it.
template <class T>
struct refit_problem {
  owned_ffn<T> ffn;
  std::vector<input_sample> samples;
  pruned_ffn<T> pruned;

  refit_problem(random_source& random, index_t neurons, index_t removed, index_t count = 20)
      : ffn(testing::random_ffn<T>(random, {.width = 1 + random.below(12), .neurons = neurons})),
        samples(testing::random_samples(random, neurons, count)),
        pruned(cut(random, removed)) {}

  pruned_ffn<T> cut(random_source& random, index_t removed) const {
    std::vector<index_t> order = ascending(ffn.neurons);
    shuffle(order, random);
    verdict decided;
    decided.layers.emplace_back(to_size(ffn.neurons));
    for (index_t i = 0; i < removed; ++i) decided.layers[0][to_size(order[to_size(i)])].what = fate::remove;
    return apply(ffn.view(), even_slices{}.split(ffn.neurons, ffn.neurons), decided, 0);
  }
  /// The error of what `pruned` holds now, from the outputs themselves.
  double error() const {
    std::vector<T> changed(ffn.down.size(), T(0));  // 0 where neurons went
    for (index_t i = 0; i < ffn.width; ++i) {
      for (index_t k = 0; k < pruned.ffn.neurons; ++k) {
        changed[to_size(i * ffn.neurons + pruned.kept_neurons[to_size(k)])] =
            pruned.ffn.down[to_size(i * pruned.ffn.neurons + k)];
      }
    }
    return output_error(testing::joined(samples).view(), ffn.view().down,
                        matrix_view<const T>{changed.data(), ffn.width, ffn.neurons});
  }
};

TEST(refit_down, is_never_worse_on_the_calibration_inputs) {
  random_source random{291};
  for (index_t round = 0; round < 100; ++round) {
    const index_t neurons = 2 + random.below(30);
    refit_problem<double> problem{random, neurons, random.below(neurons), 1 + random.below(20)};
    const double before = problem.error();
    const auto hidden = measured<input_hessian<double>>(problem.samples);
    const double ridge = std::pow(10.0, -6 + 7 * random.uniform());  // also foolish ones
    const refit_report report = refit_down(problem.pruned, problem.ffn.view(), hidden, {.ridge = ridge});
    ASSERT_LE(problem.error(), before * (1 + 1e-9));
    ASSERT_NEAR(report.error_before, before, 1e-7);
    ASSERT_NEAR(report.error_after, problem.error(), 1e-7);
  }
}

TEST(refit_down, is_the_textbooks_ridge_towards_the_old_weights) {
  random_source random{292};
  for (index_t round = 0; round < 50; ++round) {
    refit_problem<double> problem{random, 12, 5};
    const auto hidden = measured<input_hessian<double>>(problem.samples);
    refit_down(problem.pruned, problem.ffn.view(), hidden, {.ridge = 0.01});
    const input_sample all = testing::joined(problem.samples);
    const std::vector<index_t>& kept = problem.pruned.kept_neurons;
    const auto product = [&](index_t a, index_t b) {  // sum over tokens of h_a h_b
      double sum = 0;
      for (index_t p = 0; p < all.positions(); ++p) {
        sum += static_cast<double>(all.view()(p, a)) * static_cast<double>(all.view()(p, b));
      }
      return sum;
    };
    testing::plain_matrix left(7, std::vector<double>(7));
    double mean = 0;
    for (std::size_t a = 0; a < 7; ++a) {
      for (std::size_t b = 0; b < 7; ++b) left[a][b] = product(kept[a], kept[b]);
      mean += left[a][a] / 7;
    }
    for (std::size_t a = 0; a < 7; ++a) left[a][a] += 0.01 * mean;
    const testing::plain_matrix inverse = testing::plain_inverse(left);
    for (index_t i = 0; i < problem.ffn.width; ++i) {
      std::vector<double> right(7, 0.0);  // sum over tokens of h_a times what the removed neurons gave
      for (std::size_t a = 0; a < 7; ++a) {
        for (index_t n = 0; n < 12; ++n) {
          if (std::find(kept.begin(), kept.end(), n) != kept.end()) continue;
          right[a] += product(kept[a], n) * problem.ffn.down[to_size(i * 12 + n)];
        }
      }
      for (std::size_t a = 0; a < 7; ++a) {
        double expected = problem.ffn.down[to_size(i * 12 + kept[a])];
        for (std::size_t b = 0; b < 7; ++b) expected += inverse[a][b] * right[b];
        ASSERT_NEAR(problem.pruned.ffn.down[to_size(i * 7) + a], expected, 1e-8);
      }
    }
  }
}

TEST(refit_down, is_exact_where_removed_neurons_are_combinations_of_kept_ones) {
  random_source random{293};
  for (index_t round = 0; round < 20; ++round) {
    refit_problem<float> problem{random, 10, 4, 40};
    std::vector<char> stays(10, 0);
    for (index_t n : problem.pruned.kept_neurons) stays[to_size(n)] = 1;
    for (index_t n = 0; n < 10; ++n) {
      const double a = random.normal(), b = random.normal();
      if (stays[to_size(n)] != 0) continue;
      for (input_sample& sample : problem.samples) {
        for (index_t p = 0; p < sample.positions(); ++p) {
          float* h = sample.numbers.data() + p * 10;
          h[n] = static_cast<float>(a * static_cast<double>(h[problem.pruned.kept_neurons[0]]) +
                                    b * static_cast<double>(h[problem.pruned.kept_neurons[3]]));
        }
      }
    }
    EXPECT_GT(problem.error(), 0.05);
    const refit_report report = refit_down(problem.pruned, problem.ffn.view(),
                                           measured<input_hessian<double>>(problem.samples), {.ridge = 1e-12});
    EXPECT_LE(problem.error(), 1e-6);
    EXPECT_LE(report.error_after, 1e-6);
  }
}

TEST(refit_down, neurons_that_never_worked_stay_as_they_are) {
  random_source random{294};
  refit_problem<double> problem{random, 6, 2};
  const index_t silent = problem.pruned.kept_neurons[1];
  for (input_sample& sample : problem.samples) {
    for (index_t p = 0; p < sample.positions(); ++p) sample.numbers[to_size(p * 6 + silent)] = 0;
  }
  refit_down(problem.pruned, problem.ffn.view(), measured<input_hessian<double>>(problem.samples));
  for (index_t i = 0; i < problem.ffn.width; ++i) {
    EXPECT_EQ(problem.pruned.ffn.down[to_size(i * 4 + 1)], problem.ffn.down[to_size(i * 6 + silent)]);
  }
}

TEST(refit_down, refuses_what_does_not_fit) {
  random_source random{295};
  refit_problem<double> problem{random, 6, 2};
  const auto hidden = measured<input_hessian<double>>(problem.samples);
  const auto of_width = [](index_t width, float first) {
    input_hessian<double> made{{.width = width}};
    std::vector<float> h(to_size(width), first);
    made.add(vector_view<const float>{h});
    made.sample_end();
    return made;
  };
  const auto refit = [&](const input_hessian<double>& with, double ridge = 1e-3) {
    refit_down(problem.pruned, problem.ffn.view(), with, {.ridge = ridge});
  };
  expect_says(message_of<shape_error>([&] { refit(of_width(5, 1)); }), {"hidden", "6 wide", "got 5"});
  expect_says(message_of<setting_error>([&] { refit(input_hessian<double>{{.width = 6}}); }), {"measured samples"});
  expect_says(message_of<setting_error>([&] { refit(hidden, -1); }), {"ridge", "at least 0"});
  expect_says(message_of<setting_error>([&] { refit(of_width(6, 1), 0); }), {"ridge", "depend on each other"});
  expect_says(message_of<setting_error>([&] { refit(of_width(6, 0)); }), {"not all 0"});
  refit_problem<double> other{random, 6, 3};
  other.pruned.ffn.neurons = 5;
  expect_says(message_of<shape_error>([&] { refit_down(other.pruned, other.ffn.view(), hidden); }),
              {"pruned", "apply"});
}

}  // namespace
}  // namespace fissile
