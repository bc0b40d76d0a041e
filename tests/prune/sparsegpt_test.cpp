#include <fissile/prune/output_error.hpp>
#include <fissile/prune/sparsegpt.hpp>
#include <fissile/prune/wanda.hpp>

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
using testing::plain_matrix;
using testing::random_numbers;
using testing::random_samples;

/// H with dead inputs set and damping added.
plain_matrix damped(const input_hessian<double>& found, double damping) {
  plain_matrix h(to_size(found.width()), std::vector<double>(to_size(found.width())));
  double mean = 0;
  for (index_t i = 0; i < found.width(); ++i) {
    for (index_t j = 0; j < found.width(); ++j) h[to_size(i)][to_size(j)] = found(i, j);
    if (found(i, i) == 0) h[to_size(i)][to_size(i)] = 1;
    mean += h[to_size(i)][to_size(i)];
  }
  mean /= static_cast<double>(found.width());
  for (std::size_t i = 0; i < h.size(); ++i) h[i][i] += damping * mean;
  return h;
}

struct plainly_pruned {
  plain_matrix weights;
  plain_matrix gone;  // 1 where a weight went
};

/// The authors' `fasterprune`, line by line: `removed` of `of`, or where `of` is 0 the share `rate`.
plainly_pruned plain_sparsegpt(plain_matrix w, const input_hessian<double>& found, const sparsegpt& how, double rate,
                               n_of_m groups) {
  const plain_matrix hinv = testing::plain_cholesky(testing::plain_inverse(damped(found, how.damping)));
  const std::size_t rows = w.size(), columns = hinv.size();
  plain_matrix gone(rows, std::vector<double>(columns, 0.0));
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t r = 0; r < rows; ++r) {
      if (found(static_cast<index_t>(j), static_cast<index_t>(j)) == 0) w[r][j] = 0;
    }
  }
  for (std::size_t i1 = 0; i1 < columns; i1 += to_size(how.block)) {
    const std::size_t i2 = std::min(i1 + to_size(how.block), columns);
    plain_matrix w1(rows), err(rows, std::vector<double>(i2 - i1, 0.0));
    std::vector<double> scores;
    for (std::size_t r = 0; r < rows; ++r) {
      w1[r].assign(w[r].begin() + static_cast<index_t>(i1), w[r].begin() + static_cast<index_t>(i2));
      for (std::size_t i = i1; i < i2; ++i) scores.push_back(std::pow(w[r][i], 2.0) / std::pow(hinv[i][i], 2.0));
    }
    if (groups.of == 0) {
      std::sort(scores.begin(), scores.end());
      const double threshold = scores[static_cast<std::size_t>(static_cast<double>(scores.size()) * rate)];
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t i = i1; i < i2; ++i) {
          gone[r][i] = std::pow(w[r][i], 2.0) / std::pow(hinv[i][i], 2.0) <= threshold ? 1 : 0;
        }
      }
    }
    for (std::size_t i = 0; i < i2 - i1; ++i) {
      if (groups.of > 0 && i % to_size(groups.of) == 0) {
        for (std::size_t r = 0; r < rows; ++r) {
          std::vector<std::pair<double, std::size_t>> group;
          for (std::size_t g = i; g < i + to_size(groups.of); ++g) {
            group.emplace_back(std::pow(w1[r][g], 2.0) / std::pow(hinv[i1 + g][i1 + g], 2.0), i1 + g);
          }
          std::sort(group.begin(), group.end());
          for (std::size_t n = 0; n < to_size(groups.removed); ++n) gone[r][group[n].second] = 1;
        }
      }
      for (std::size_t r = 0; r < rows; ++r) {
        const double q = gone[r][i1 + i] > 0 ? 0.0 : w1[r][i];
        err[r][i] = (w1[r][i] - q) / hinv[i1 + i][i1 + i];
        w[r][i1 + i] = q;
        for (std::size_t k = i; k < i2 - i1; ++k) w1[r][k] -= err[r][i] * hinv[i1 + i][i1 + k];
      }
    }
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t k = i2; k < columns; ++k) {
        for (std::size_t i = i1; i < i2; ++i) w[r][k] -= err[r][i - i1] * hinv[i][k];
      }
    }
  }
  return {std::move(w), std::move(gone)};
}

/// A random layer and what was measured of its inputs; by chance some inputs are dead.
struct sparsegpt_problem {
  index_t outputs, inputs;
  std::vector<input_sample> samples;
  std::vector<double> weights;

  sparsegpt_problem(random_source& random, index_t in_groups_of, double dead)
      : outputs(1 + random.below(8)), inputs(in_groups_of * (1 + random.below(24 / in_groups_of))) {
    samples = random_samples(random, inputs, 20);
    for (index_t j = 0; j < inputs; ++j) {
      if (random.uniform() >= dead) continue;
      for (input_sample& sample : samples) {
        for (index_t p = 0; p < sample.positions(); ++p) sample.numbers[to_size(p * inputs + j)] = 0;
      }
    }
    weights = random_numbers<double>(random, outputs * inputs);
  }
  matrix_view<double> view() { return {weights.data(), outputs, inputs}; }
  plain_matrix rows() const {
    plain_matrix made;
    for (index_t o = 0; o < outputs; ++o) {
      made.emplace_back(weights.begin() + o * inputs, weights.begin() + (o + 1) * inputs);
    }
    return made;
  }
};

TEST(sparsegpt, unstructured_is_the_authors_code) {
  random_source random{261};
  for (index_t round = 0; round < 100; ++round) {
    sparsegpt_problem problem{random, 1, 0.1};
    const auto found = measured<input_hessian<double>>(problem.samples, "de");
    const sparsegpt how{.damping = 0.005 + 0.02 * random.uniform(), .block = 1 + random.below(10)};
    const double rate = 0.1 + 0.8 * random.uniform();
    const plainly_pruned expected = plain_sparsegpt(problem.rows(), found, how, rate, {0, 0});
    const weight_mask mask = how.prune(problem.view(), found, unstructured{rate});
    for (index_t o = 0; o < problem.outputs; ++o) {
      for (index_t j = 0; j < problem.inputs; ++j) {
        ASSERT_EQ(mask.keeps(o, j), expected.gone[to_size(o)][to_size(j)] == 0);
        ASSERT_NEAR(problem.view()(o, j), expected.weights[to_size(o)][to_size(j)], 1e-8);
        ASSERT_TRUE(mask.keeps(o, j) || problem.view()(o, j) == 0);
      }
    }
    EXPECT_EQ(mask.score, "sparsegpt(de)");
    EXPECT_EQ(mask.from, (evidence{"de", found.read().positions()}));
  }
}

TEST(sparsegpt, n_of_m_is_the_authors_code_with_exact_counts) {
  random_source random{262};
  for (index_t round = 0; round < 100; ++round) {
    const index_t of = 2 + random.below(3);
    const n_of_m groups{.removed = 1 + random.below(of - 1), .of = of};
    sparsegpt_problem problem{random, of, round % 2 == 0 ? 0.0 : 0.1};
    const auto found = measured<input_hessian<double>>(problem.samples);
    const sparsegpt how{.block = of * (1 + random.below(3))};
    const plainly_pruned expected = plain_sparsegpt(problem.rows(), found, how, 0, groups);
    const weight_mask mask = how.prune(problem.view(), found, groups);
    for (index_t o = 0; o < problem.outputs; ++o) {
      for (index_t j = 0; j < problem.inputs; ++j) {
        ASSERT_EQ(mask.keeps(o, j), expected.gone[to_size(o)][to_size(j)] == 0);
        ASSERT_NEAR(problem.view()(o, j), expected.weights[to_size(o)][to_size(j)], 1e-8);
        ASSERT_TRUE(mask.keeps(o, j) || problem.view()(o, j) == 0);
      }
      for (index_t first = 0; first < problem.inputs; first += of) {
        const auto begin = mask.kept.begin() + o * problem.inputs + first;
        ASSERT_EQ(std::count(begin, begin + of, char{0}), groups.removed);
      }
    }
  }
}

TEST(sparsegpt, is_the_textbooks_optimal_brain_surgeon_column_by_column) {
  random_source random{263};
  for (index_t round = 0; round < 50; ++round) {
    sparsegpt_problem problem{random, 1, 0.0};
    const auto found = measured<input_hessian<double>>(problem.samples);
    plain_matrix w = problem.rows();
    const weight_mask mask = sparsegpt{}.prune(problem.view(), found, unstructured{0.5});
    const plain_matrix h = damped(found, 0.01);
    for (std::size_t j = 0; j < h.size(); ++j) {  // of the columns from j on, the only ones that may still change
      const plain_matrix inverse = testing::plain_inverse(testing::from(h, j));
      for (std::size_t o = 0; o < w.size(); ++o) {
        if (mask.keeps(static_cast<index_t>(o), static_cast<index_t>(j))) continue;
        const double step = w[o][j] / inverse[0][0];
        for (std::size_t k = j; k < h.size(); ++k) w[o][k] -= step * inverse[0][k - j];
      }
    }
    for (index_t o = 0; o < problem.outputs; ++o) {
      for (index_t j = 0; j < problem.inputs; ++j) {
        ASSERT_NEAR(problem.view()(o, j), w[to_size(o)][to_size(j)], 1e-8);
      }
    }
  }
}

/// Output errors of Wanda and of SparseGPT on the calibration inputs, at the same sparsity.
template <class Sparsity>
std::pair<double, double> errors_of_both(std::uint64_t seed, Sparsity share) {
  random_source random{seed};
  const auto samples = random_samples(random, 64, 30, 20);
  const auto weights = random_numbers<float>(random, 24 * 64);
  const matrix_view<const float> before{weights.data(), 24, 64};
  auto masked = weights, updated = weights;
  const weight_mask mask = mask_of(before, wanda{measured<input_moments>(samples)}, share);
  for (std::size_t i = 0; i < masked.size(); ++i) masked[i] = mask.kept[i] != 0 ? masked[i] : 0;
  const matrix_view<float> after{updated.data(), 24, 64};
  const weight_mask gone = sparsegpt{}.prune(after, measured<input_hessian<double>>(samples), share);
  EXPECT_GE(gone.removed(), mask.removed()) << "SparseGPT removes no fewer";
  const input_sample all = testing::joined(samples);
  return {output_error(all.view(), before, matrix_view<const float>{masked.data(), 24, 64}),
          output_error(all.view(), before, after)};
}

TEST(sparsegpt, errs_less_than_wanda_where_inputs_go_together) {
  for (std::uint64_t seed = 270; seed < 280; ++seed) {
    const auto [wanda_half, sparsegpt_half] = errors_of_both(seed, unstructured{0.5});
    EXPECT_LT(sparsegpt_half, 0.8 * wanda_half) << "seed " << seed;
    const auto [wanda_groups, sparsegpt_groups] = errors_of_both(seed, n_of_m{});
    EXPECT_LT(sparsegpt_groups, 0.8 * wanda_groups) << "seed " << seed;
  }
}

TEST(sparsegpt, inputs_that_are_always_0_lose_their_weights_and_disturb_no_other) {
  random_source random{264};
  auto samples = random_samples(random, 8, 20);
  for (input_sample& sample : samples) {
    for (index_t p = 0; p < sample.positions(); ++p) sample.numbers[to_size(p * 8 + 3)] = 0;
  }
  auto weights = random_numbers<float>(random, 5 * 8);
  const weight_mask mask =
      sparsegpt{}.prune(matrix_view<float>{weights.data(), 5, 8}, measured<input_hessian<float>>(samples), n_of_m{});
  for (index_t o = 0; o < 5; ++o) {
    EXPECT_FALSE(mask.keeps(o, 3)) << "it scores lowest";
    EXPECT_EQ(weights[to_size(o * 8 + 3)], 0.0f);
    for (index_t j = 0; j < 8; ++j) {
      EXPECT_TRUE(std::isfinite(weights[to_size(o * 8 + j)]));
      EXPECT_EQ(weights[to_size(o * 8 + j)] != 0, mask.keeps(o, j));
    }
  }
}

TEST(sparsegpt, a_rate_of_0_changes_nothing_and_NaN_stays) {
  random_source random{265};
  const auto found = measured<input_hessian<double>>(random_samples(random, 8, 20));
  auto weights = random_numbers<float>(random, 5 * 8);
  const auto before = weights;
  EXPECT_EQ(sparsegpt{}.prune(matrix_view<float>{weights.data(), 5, 8}, found, unstructured{0}).removed(), 0);
  EXPECT_EQ(weights, before);
  weights[9] = std::numeric_limits<float>::quiet_NaN();
  const weight_mask mask = sparsegpt{}.prune(matrix_view<float>{weights.data(), 5, 8}, found, unstructured{0.9});
  EXPECT_TRUE(mask.keeps(1, 1));
  EXPECT_EQ(mask.undefined, 1u);
  EXPECT_TRUE(std::isnan(weights[9]));
  EXPECT_EQ(std::count_if(weights.begin(), weights.end(), [](float w) { return std::isnan(w); }), 1);
}

TEST(sparsegpt, refuses_what_does_not_fit) {
  random_source random{266};
  const auto found = measured<input_hessian<double>>(random_samples(random, 8, 3));
  auto numbers = random_numbers<float>(random, 40);
  const matrix_view<float> weights{numbers.data(), 5, 8}, narrow{numbers.data(), 8, 5};
  const auto refusal = [&](const sparsegpt& how) {
    return message_of<setting_error>([&] { how.prune(weights, found, unstructured{}); });
  };
  expect_says(refusal({.damping = -1}), {"damping", "at least 0"});
  expect_says(refusal({.block = 0}), {"block", "at least 1"});
  expect_says(message_of<shape_error>([&] { sparsegpt{}.prune(narrow, found, unstructured{}); }),
              {"weights", "8 columns", "[8 x 5]"});
  expect_says(message_of<setting_error>([&] { sparsegpt{.block = 6}.prune(weights, found, n_of_m{}); }),
              {"block", "multiple of 4", "got 6"});
  EXPECT_THROW(sparsegpt{}.prune(weights, found, unstructured{1}), setting_error);
  const input_hessian<double> none{{.width = 8}};
  expect_says(message_of<setting_error>([&] { sparsegpt{}.prune(weights, none, unstructured{}); }),
              {"measured samples", "none"});
  const std::vector<float> twice(8, 1.0f);  // eight inputs that are one
  input_hessian<double> dependent{{.width = 8}};
  dependent.add(vector_view<const float>{twice});
  dependent.sample_end();
  expect_says(message_of<setting_error>([&] { sparsegpt{.damping = 0}.prune(weights, dependent, unstructured{}); }),
              {"positive definite", "0.01 is usual"});
}

TEST(sparsegpt, damaged_weights_take_no_others_with_them) {
  random_source random{21};
  const auto found = measured<input_hessian<double>>(random_samples(random, 8, 40));
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    std::vector<double> row{bad, bad, bad, 1, 1, 2, 3, 4};
    sparsegpt{}.prune(matrix_view<double>{row.data(), 1, 8}, found, n_of_m{.removed = 2, .of = 4});
    for (std::size_t j = 3; j < row.size(); ++j) EXPECT_TRUE(std::isfinite(row[j])) << bad << ' ' << j;
  }
}

}  // namespace
}  // namespace fissile
