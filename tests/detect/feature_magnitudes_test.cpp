#include <fissile/detect/feature_magnitudes.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::expect_says;
using testing::message_of;
using testing::random_numbers;

/// The hidden states of one input in one layer.
struct states {
  std::vector<float> numbers;
  index_t width;
  index_t positions() const { return length(numbers) / width; }
  matrix_view<const float> view() const { return {numbers.data(), positions(), width}; }
};

TEST(feature_magnitudes, norms_over_positions_averaged_over_inputs) {
  feature_magnitudes found{{.layers = 2, .width = 3, .loud = 4, .corpus = "guide"}};
  const std::vector<float> first{3, 0, 1, -4, 5, 0};  // two positions
  const std::vector<float> second{1, -2, 0};
  found.add(1, {first.data(), 2, 3});
  found.input_end();
  found.add(1, {second.data(), 1, 3});
  found.input_end();
  EXPECT_EQ(found.magnitudes(1), (std::vector<double>{(5.0 + 1) / 2, (5.0 + 2) / 2, (1.0 + 0) / 2}));
  EXPECT_EQ(found.squared_norm(1, 0), (25.0 + 1) / 2);
  EXPECT_EQ(found.inputs(1), 2u);
  EXPECT_EQ(found.positions(1), 3u);
  EXPECT_EQ(found.loud(1, 0), 1u) << "|-4| >= 4";
  EXPECT_EQ(found.loud(1, 2), 0u);
  EXPECT_EQ(found.peak(1, 0), (feature_peak{4, 4})) << "median of 4, 5, 0";
  EXPECT_EQ(found.peak(1, 1), (feature_peak{5, 4}));
  EXPECT_EQ(found.inputs(0), 0u);
  EXPECT_EQ(found.magnitude(0, 0), 0.0);
  EXPECT_EQ(found.corpus(), "guide");
}

TEST(feature_magnitudes, an_input_counts_once_it_has_ended) {
  feature_magnitudes found{{.layers = 1, .width = 1}};
  const float x = 2;
  found.add(0, {&x, 1, 1});
  EXPECT_EQ(found.inputs(0), 0u);
  EXPECT_EQ(found.magnitude(0, 0), 0.0);
  found.input_end();
  found.input_end();  // nothing is open: no further input
  EXPECT_EQ(found.inputs(0), 1u);
  EXPECT_EQ(found.magnitude(0, 0), 2.0);
}

TEST(feature_magnitudes, cutting_an_input_changes_no_bit) {
  random_source random{81};
  for (index_t round = 0; round < 50; ++round) {
    const index_t width = 1 + random.below(20);
    const feature_settings settings{.layers = 2, .width = width, .loud = 1};
    feature_magnitudes whole{settings}, cut{settings};
    for (index_t input = 0; input < 4; ++input) {
      for (index_t layer = 0; layer < 2; ++layer) {
        const states s{random_numbers<float>(random, width * (1 + random.below(9))), width};
        whole.add(layer, s.view());
        for (index_t first = 0; first < s.positions();) {
          const index_t count = random.below(s.positions() - first + 1);
          cut.add(layer, s.view().rows(first, count));
          first += count;
        }
      }
      whole.input_end();
      cut.input_end();
    }
    ASSERT_EQ(whole, cut);
  }
}

TEST(feature_magnitudes, equals_the_plain_formula) {
  random_source random{82};
  for (index_t round = 0; round < 50; ++round) {
    const index_t width = 1 + random.below(20);
    feature_magnitudes found{{.layers = 1, .width = width, .loud = 1.5f}};
    std::vector<double> norms(to_size(width), 0.0), squares(to_size(width), 0.0);
    std::vector<std::uint64_t> loud(to_size(width), 0);
    std::vector<feature_peak> peaks(to_size(width));
    const index_t inputs = 1 + random.below(5);
    for (index_t input = 0; input < inputs; ++input) {
      const states s{random_numbers<float>(random, width * (1 + random.below(9))), width};
      found.add(0, s.view());
      found.input_end();
      for (index_t f = 0; f < width; ++f) {
        double sum = 0;
        for (index_t p = 0; p < s.positions(); ++p) {
          std::vector<float> sorted;
          for (float x : s.view().row(p)) sorted.push_back(std::abs(x));
          const float x = sorted[to_size(f)];
          std::sort(sorted.begin(), sorted.end());
          sum += static_cast<double>(x) * static_cast<double>(x);
          loud[to_size(f)] += x >= 1.5f ? 1 : 0;
          if (x > peaks[to_size(f)].magnitude) peaks[to_size(f)] = {x, sorted[to_size((width - 1) / 2)]};
        }
        norms[to_size(f)] += std::sqrt(sum);
        squares[to_size(f)] += sum;
      }
    }
    for (index_t f = 0; f < width; ++f) {
      ASSERT_NEAR(found.magnitude(0, f), norms[to_size(f)] / static_cast<double>(inputs), 1e-12);
      ASSERT_NEAR(found.squared_norm(0, f), squares[to_size(f)] / static_cast<double>(inputs), 1e-12);
      ASSERT_EQ(found.loud(0, f), loud[to_size(f)]);
      ASSERT_EQ(found.peak(0, f), peaks[to_size(f)]);
    }
  }
}

TEST(feature_magnitudes, merging_equals_one_pass) {
  random_source random{83};
  for (index_t round = 0; round < 50; ++round) {
    const index_t width = 1 + random.below(12);
    feature_settings settings{.layers = 2, .width = width, .loud = 1, .corpus = "all"};
    feature_magnitudes one_pass{settings};
    std::vector<feature_magnitudes> parts(3, feature_magnitudes{settings});
    for (index_t input = 0; input < 10; ++input) {
      feature_magnitudes& part = parts[to_size(random.below(3))];
      for (index_t layer = 0; layer < 2; ++layer) {
        const states s{random_numbers<float>(random, width * random.below(6)), width};
        one_pass.add(layer, s.view());
        part.add(layer, s.view());
      }
      one_pass.input_end();
      part.input_end();
    }
    feature_magnitudes left = parts[0], right = parts[2];
    left.merge(parts[1]);
    left.merge(parts[2]);
    right.merge(parts[1]);
    right.merge(parts[0]);
    for (const feature_magnitudes* merged : {&left, &right}) {
      for (index_t layer = 0; layer < 2; ++layer) {
        ASSERT_EQ(merged->inputs(layer), one_pass.inputs(layer));
        ASSERT_EQ(merged->positions(layer), one_pass.positions(layer));
        for (index_t f = 0; f < width; ++f) {
          const double magnitude = one_pass.magnitude(layer, f);
          ASSERT_NEAR(merged->magnitude(layer, f), magnitude, 1e-12 * magnitude);
          ASSERT_NEAR(merged->squared_norm(layer, f), one_pass.squared_norm(layer, f),
                      1e-12 * one_pass.squared_norm(layer, f));
          ASSERT_EQ(merged->loud(layer, f), one_pass.loud(layer, f));
          ASSERT_EQ(merged->peak(layer, f), one_pass.peak(layer, f));
        }
      }
    }
  }
}

TEST(feature_magnitudes, equal_peaks_keep_the_smaller_median_in_any_order) {
  const std::vector<float> quiet{9, 1, 2}, noisy{9, 5, 6};
  feature_magnitudes a{{.layers = 1, .width = 3}}, b{{.layers = 1, .width = 3}};
  a.add(0, {quiet.data(), 1, 3});
  a.add(0, {noisy.data(), 1, 3});
  b.add(0, {noisy.data(), 1, 3});
  b.add(0, {quiet.data(), 1, 3});
  EXPECT_EQ(a.peak(0, 0), (feature_peak{9, 2}));
  EXPECT_EQ(b.peak(0, 0), (feature_peak{9, 2}));
}

TEST(feature_magnitudes, what_is_no_number_is_counted_and_left_out) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  feature_magnitudes found{{.layers = 1, .width = 4}};
  const std::vector<float> x{nan, -infinity, 3, 10};
  found.add(0, {x.data(), 1, 4});
  found.input_end();
  EXPECT_EQ(found.undefined(0), 2u);
  feature_magnitudes twice = found;
  twice.merge(found);
  EXPECT_EQ(twice.undefined(0), 4u);
  EXPECT_EQ(found.magnitudes(0), (std::vector<double>{0, 0, 3, 10}));
  EXPECT_EQ(found.loud(0, 0), 0u);
  EXPECT_EQ(found.peak(0, 3), (feature_peak{10, 10})) << "what is no number sorts as the largest";
}

TEST(feature_magnitudes, keeps_the_names_of_all_corpora) {
  feature_magnitudes a{{.corpus = "wiki"}}, b{{.corpus = "guide"}};
  a.merge(b);
  EXPECT_EQ(a.corpus(), "guide + wiki");
}

TEST(feature_magnitudes, refuses_what_does_not_fit) {
  expect_says(message_of<setting_error>([] { feature_magnitudes{{.layers = 0}}; }), {"layers", "at least 1"});
  expect_says(message_of<setting_error>([] { feature_magnitudes{{.width = 0}}; }), {"width", "at least 1"});
  expect_says(message_of<setting_error>([] { feature_magnitudes{{.loud = 0}}; }), {"loud", "above 0"});
  feature_magnitudes found{{.layers = 2, .width = 3}};
  const feature_magnitudes before = found;
  expect_says(message_of<shape_error>([&] { found.merge(feature_magnitudes{{.layers = 2, .width = 4}}); }),
              {"width 3", "width 4"});
  expect_says(message_of<setting_error>([&] { found.merge(feature_magnitudes{{.layers = 2, .width = 3, .loud = 1}}); }),
              {"loud"});
  feature_magnitudes open = found;
  const std::vector<float> x{1, 2, 3};
  open.add(1, {x.data(), 1, 3});
  expect_says(message_of<setting_error>([&] { found.merge(open); }), {"input_end()"});
  EXPECT_EQ(found, before);
  EXPECT_THROW(open.merge(found), setting_error);
}

}  // namespace
}  // namespace fissile
