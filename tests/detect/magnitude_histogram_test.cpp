// Histograms against sorting all numbers.
#include <fissile/detect/magnitude_histogram.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::random_numbers;
using testing::refusal;

/// The share of numbers with |x| <= t.
double share_up_to(const std::vector<float>& numbers, float t) {
  return static_cast<double>(std::count_if(numbers.begin(), numbers.end(), [&](float x) { return std::abs(x) <= t; })) /
         static_cast<double>(numbers.size());
}

TEST(central_range, leaves_its_tails_at_both_ends) {
  std::vector<float> sample;
  for (int i = 0; i < 1000; ++i) sample.push_back(static_cast<float>((i * 7) % 1000));
  sample.push_back(std::nanf(""));
  sample.push_back(-std::numeric_limits<float>::infinity());
  EXPECT_EQ(central_range(sample), (histogram_range{10, 989}));
  EXPECT_EQ(central_range(sample, 0), (histogram_range{0, 999}));
  EXPECT_EQ(central_range({1, 2}), (histogram_range{1, 2}));
}

TEST(central_range, refuses_what_has_no_range) {
  EXPECT_EQ(
      refusal<setting_error>([] {
        central_range({3, 3, 3});
      }),
      "central_range: sample: expected different numbers between its tails, got 3 numbers and a tail of 0.010000; "
      "give it some thousands of activations and 0.01");
  EXPECT_THROW(central_range({}), setting_error);
  EXPECT_THROW(central_range({1, 2, 3}, 0.5), setting_error);
  EXPECT_THROW(central_range({1, 2, 3}, -0.1), setting_error);
}

TEST(magnitude_histogram, puts_every_number_into_its_bin) {
  magnitude_histogram found{{.range = {-1, 1}, .bins = 6, .corpus = "guide"}};  // 4 bins of 0.5 and two ends
  const std::vector<float> numbers{-5, -1, -0.6f, -0.5f, 0, 0.49f, 0.5f, 0.99f, 1, 7, std::nanf(""), HUGE_VALF};
  found.add(numbers);
  const std::vector<std::uint64_t> expected{1, 2, 1, 2, 2, 2};
  for (index_t bin = 0; bin < 6; ++bin) EXPECT_EQ(found.in_bin(bin), expected[to_size(bin)]) << bin;
  EXPECT_EQ(found.count(), 10u);
  EXPECT_EQ(found.undefined(), 2u);
  EXPECT_EQ(found.corpus(), "guide");
  EXPECT_EQ(found.quantile(0), -5);
  EXPECT_EQ(found.quantile(1), 7);
  EXPECT_EQ(found.quantile(0.1), -1) << "all of the first bin, up to where it ends";
}

/// At the quantile's place the sorted numbers are within a bin's width, or within the end bin.
TEST(magnitude_histogram, has_quantiles_exact_to_a_bin) {
  random_source random{1};
  for (int trial = 0; trial < 40; ++trial) {
    const auto numbers = random_numbers<float>(random, 200 + random.below(2000), 0.1 + 4 * random.uniform());
    const bool of_magnitudes = trial % 2 == 0;
    std::vector<float> sorted = numbers;
    if (of_magnitudes) std::for_each(sorted.begin(), sorted.end(), [](float& x) { x = std::abs(x); });
    std::sort(sorted.begin(), sorted.end());
    const index_t bins = 10 + random.below(500);
    const histogram_range range = central_range(sorted);
    magnitude_histogram found{
        {.range = range, .bins = bins, .of = of_magnitudes ? histogram_of::magnitudes : histogram_of::values}};
    found.add(numbers);
    ASSERT_EQ(found.count(), numbers.size());
    double before = found.quantile(0);
    EXPECT_EQ(before, static_cast<double>(sorted.front()));
    EXPECT_EQ(found.quantile(1), static_cast<double>(sorted.back()));
    const double bin = static_cast<double>(range.high - range.low) / static_cast<double>(bins - 2);
    for (int step = 1; step < 100; ++step) {
      const double q = step / 100.0;
      const double value = found.quantile(q);
      ASSERT_GE(value, before) << "never falls";
      before = value;
      if (step < 2 || step > 98) continue;  // the end bins are as wide as they are
      const auto place = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size()))) - 1;
      ASSERT_NEAR(value, static_cast<double>(sorted[place]), 1.001 * bin);
    }
  }
}

TEST(magnitude_histogram, finds_the_thresholds_of_both_papers) {
  random_source random{2};
  auto numbers = random_numbers<float>(random, 20000, 0.7);
  magnitude_histogram teal{{.range = central_range(numbers)}};
  magnitude_histogram cats{{.range = {0, 2}, .of = histogram_of::magnitudes}};
  ASSERT_EQ(teal.bins(), 10000);
  teal.add(numbers);
  cats.add(numbers);
  for (const double sparsity : {0.25, 0.5, 0.75, 0.9}) {
    EXPECT_NEAR(share_up_to(numbers, cats.threshold(sparsity)), sparsity, 1e-3);
    EXPECT_NEAR(share_up_to(numbers, teal.threshold(sparsity)), sparsity, 0.02) << "as far as they are symmetric";
    EXPECT_FLOAT_EQ(teal.threshold(sparsity), static_cast<float>(teal.quantile(0.5 + sparsity / 2)));
  }
  EXPECT_EQ(teal.threshold(0), 0.0f);
  EXPECT_EQ(cats.threshold(0), 0.0f);
  EXPECT_EQ(share_up_to(numbers, cats.threshold(1)), 1.0);
  for (float& x : numbers) x -= 9;  // TEAL's assumption does not hold: never a negative threshold
  magnitude_histogram shifted{{.range = central_range(numbers)}};
  shifted.add(numbers);
  EXPECT_EQ(shifted.threshold(0.5), 0.0f);
}

TEST(magnitude_histogram, merging_equals_one_pass) {
  random_source random{3};
  for (int trial = 0; trial < 30; ++trial) {
    const histogram_settings settings{.range = {-1, 2}, .bins = 50, .corpus = "guide"};
    magnitude_histogram all{settings}, a{settings}, b{settings};
    for (int part = 0; part < 6; ++part) {
      const auto numbers = random_numbers<float>(random, random.below(40));
      all.add(numbers);
      (random.below(2) == 0 ? a : b).add(numbers);
    }
    magnitude_histogram ab = a, ba = b;
    ab.merge(b);
    ba.merge(a);
    EXPECT_EQ(ab, all);
    EXPECT_EQ(ba, all);
  }
}

TEST(magnitude_histogram, of_nothing_tells_nothing) {
  const magnitude_histogram none{{.range = {-1, 1}}};
  EXPECT_EQ(none.quantile(0.5), 0);
  EXPECT_EQ(none.threshold(0.5), 0.0f);
}

TEST(magnitude_histogram, refuses_what_has_no_bins_or_others) {
  EXPECT_EQ(refusal<setting_error>([] {
              magnitude_histogram({.range = {1, 1}});
            }),
            "magnitude_histogram: range: expected a low end below a high one, got 1.000000 to 1.000000");
  EXPECT_THROW(magnitude_histogram({.range = {0, std::numeric_limits<float>::infinity()}}), setting_error);
  EXPECT_EQ(refusal<setting_error>([] {
              magnitude_histogram({.range = {0, 1}, .bins = 2});
            }),
            "magnitude_histogram: bins: expected at least 3, two of them for what lies beyond the range, got 2");
  magnitude_histogram found{{.range = {0, 1}, .bins = 9}};
  EXPECT_THROW(found.merge(magnitude_histogram{{.range = {0, 2}, .bins = 9}}), shape_error);
  EXPECT_THROW(found.merge(magnitude_histogram{{.range = {0, 1}, .bins = 8}}), shape_error);
  EXPECT_THROW(found.merge(magnitude_histogram{{.range = {0, 1}, .bins = 9, .of = histogram_of::magnitudes}}),
               shape_error);
}

TEST(central_range, refuses_tails_that_are_none) {
  const std::vector<float> sample{1, 2, 3, 4};
  for (const double tail : {-0.1, 0.5, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_THROW(central_range(sample, tail), setting_error) << tail;
  }
}

}  // namespace
}  // namespace fissile
