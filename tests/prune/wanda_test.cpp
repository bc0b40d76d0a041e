#include <fissile/prune/wanda.hpp>

#include "file/temporary.hpp"
#include "support/random_samples.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::expect_says;
using testing::measured;
using testing::message_of;
using testing::random_samples;

static_assert(weight_score<wanda> && weight_score<wanda_ratio>);

template <weight_score Score>
std::vector<double> scores_of_row(const Score& by, index_t output, const std::vector<double>& weights) {
  std::vector<double> scores(weights.size(), -1.0);
  by.score(output, weights, scores);
  return scores;
}

/// Moments of one sample with one position.
input_moments moments_of(const std::vector<float>& inputs, std::string corpus) {
  input_moments found{{.width = length(inputs), .corpus = std::move(corpus)}};
  found.add(vector_view<const float>{inputs});
  found.sample_end();
  return found;
}

TEST(wanda, is_the_weight_times_the_norm_of_its_input) {
  random_source random{211};
  for (index_t round = 0; round < 30; ++round) {
    const index_t inputs = 1 + random.below(30);
    const auto found = measured<input_moments>(random_samples(random, inputs, 1 + random.below(6)), "de");
    const auto weights = testing::random_numbers<double>(random, inputs);
    const wanda by{found};
    const std::vector<double> scores = scores_of_row(by, 0, weights);
    for (index_t j = 0; j < inputs; ++j) {
      EXPECT_DOUBLE_EQ(scores[to_size(j)], std::abs(weights[to_size(j)]) * std::sqrt(found.mean_square(j)));
    }
    EXPECT_EQ(by.name(), "wanda(de)");
    EXPECT_EQ(by.seen(), (evidence{"de", found.read().positions()}));
  }
}

TEST(wanda_ratio, is_the_papers_where_the_denominator_is_far_from_0) {
  random_source random{212};
  for (index_t round = 0; round < 30; ++round) {
    const index_t inputs = 1 + random.below(30);
    const auto translations = measured<input_moments>(random_samples(random, inputs, 5), "translations");
    const auto code = measured<input_moments>(random_samples(random, inputs, 3), "code");
    const wanda_ratio by{{.numerator = translations, .denominator = code, .eps = 1e-15}};
    const auto weights = testing::random_numbers<double>(random, inputs);
    const std::vector<double> scores = scores_of_row(by, 0, weights);
    for (index_t j = 0; j < inputs; ++j) {  // |W| * ||X_mt|| * (||X_mt|| / ||X_code||)
      const double top = std::sqrt(translations.mean_square(j));
      const double bottom = std::sqrt(code.mean_square(j));
      const double expected = std::abs(weights[to_size(j)]) * top * (top / bottom);
      EXPECT_NEAR(scores[to_size(j)], expected, 1e-9 * expected);
    }
    EXPECT_EQ(by.name(), "wanda_ratio(translations over code)");
    EXPECT_EQ(by.seen(),
              (evidence{"code + translations", std::min(code.read().positions(), translations.read().positions())}));
  }
}

TEST(wanda_ratio, eps_stands_in_for_inputs_that_the_denominator_never_has) {
  const input_moments a = moments_of({2, 2, 0, 0}, "a"), b = moments_of({4, 0, 4, 0}, "b");
  const wanda_ratio by{{.numerator = a, .denominator = b, .eps = 0.5}};  // mean D = 8
  const std::vector<double> scores = scores_of_row(by, 0, {1, -1, 1, 0});
  EXPECT_DOUBLE_EQ(scores[0], 4 / std::sqrt(16.0 + 4));
  EXPECT_DOUBLE_EQ(scores[1], 4 / std::sqrt(4.0));
  EXPECT_EQ(scores[2], 0.0);
  EXPECT_EQ(scores[3], 0.0);
}

TEST(wanda, refuses_what_does_not_fit) {
  const input_moments two = moments_of({1, 2}, "a"), three = moments_of({1, 2, 3}, "b");
  const input_moments silent = moments_of({0, 0}, "silence"), none{{.width = 2}};
  expect_says(message_of<setting_error>([&] { wanda{none}; }), {"wanda: inputs", "none", "sample_end()"});
  expect_says(message_of<shape_error>([&] {
                scores_of_row(wanda{two}, 0, {1, 2, 3});
              }),
              {"wanda(a): inputs", "expected 2", "got 3"});
  const auto ratio = [](const input_moments& numerator, const input_moments& denominator, double eps = 1e-6) {
    wanda_ratio{{.numerator = numerator, .denominator = denominator, .eps = eps}};
  };
  expect_says(message_of<shape_error>([&] { ratio(two, three); }), {"denominator", "2 inputs", "got 3"});
  expect_says(message_of<setting_error>([&] { ratio(two, silent); }), {"denominator", "not all 0"});
  expect_says(message_of<setting_error>([&] { ratio(none, two); }), {"numerator", "measured samples"});
  expect_says(message_of<setting_error>([&] { ratio(two, none); }), {"denominator", "measured samples"});
  expect_says(message_of<setting_error>([&] { ratio(two, two, 0); }), {"eps", "above 0"});
  EXPECT_THROW(ratio(two, two, std::numeric_limits<double>::quiet_NaN()), setting_error);
}

}  // namespace
}  // namespace fissile
