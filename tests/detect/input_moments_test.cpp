#include <fissile/detect/feature_magnitudes.hpp>
#include <fissile/detect/input_moments.hpp>

#include "support/random_samples.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::input_sample;
using testing::measured;
using testing::random_samples;

TEST(input_moments, is_the_running_mean_of_the_authors_code) {
  random_source random{1};
  for (index_t round = 0; round < 50; ++round) {
    const index_t width = 1 + random.below(20);
    const std::vector<input_sample> samples = random_samples(random, width, 1 + random.below(8));
    std::vector<double> scaler(to_size(width), 0.0);
    double seen = 0;
    for (const input_sample& sample : samples) {  // scaler *= n / (n + 1); scaler += norm^2 / (n + 1)
      for (index_t j = 0; j < width; ++j) {
        double norm = 0;
        for (index_t p = 0; p < sample.positions(); ++p) {
          norm += std::pow(static_cast<double>(sample.numbers[to_size(p * width + j)]), 2.0);
        }
        double& mean = scaler[to_size(j)];
        mean = mean * seen / (seen + 1) + std::pow(std::sqrt(norm), 2.0) / (seen + 1);
      }
      ++seen;
    }
    const auto found = measured<input_moments>(samples);
    EXPECT_EQ(found.read().samples(), samples.size());
    for (index_t j = 0; j < width; ++j) {
      ASSERT_NEAR(found.mean_square(j), scaler[to_size(j)], 1e-12 * scaler[to_size(j)]);
    }
  }
}

TEST(input_moments, reference_counts_padding_and_masked_does_not) {
  const std::vector<float> x{3, 1, 4, 2, 12, 5};  // the last position only fills up
  const std::vector<char> padding{0, 0, 1};
  input_moments reference{{.width = 2, .padding = padding_rule::reference}}, masked{{.width = 2}};
  for (input_moments* found : {&reference, &masked}) {
    found->add({x.data(), 3, 2}, padding);
    found->sample_end();
    found->add({x.data(), 1, 2});
    found->sample_end();
  }
  EXPECT_EQ(reference.mean_squares(), (std::vector<double>{(169.0 + 9) / 2, (30.0 + 1) / 2}));
  EXPECT_EQ(masked.mean_squares(), (std::vector<double>{(25.0 + 9) / 2, (5.0 + 1) / 2}));
  EXPECT_EQ(reference.read().positions(), 4u);
  EXPECT_EQ(masked.read().positions(), 3u);
}

TEST(input_moments, neither_pieces_nor_the_order_of_samples_matter) {
  random_source random{2};
  for (index_t round = 0; round < 30; ++round) {
    const index_t width = 1 + random.below(20);
    std::vector<input_sample> samples = random_samples(random, width, 40, 30);
    const auto whole = measured<input_moments>(samples);
    input_moments pieces{{.width = width, .corpus = "guide"}};
    for (const input_sample& sample : samples) {
      const index_t cut = random.below(sample.positions() + 1);
      pieces.add(sample.view().rows(0, cut));
      pieces.add(sample.view().rows(cut, sample.positions() - cut));
      pieces.sample_end();
    }
    EXPECT_EQ(pieces, whole);
    shuffle(samples, random);
    auto parts = measured<input_moments>({samples.begin(), samples.begin() + 13});
    parts.merge(measured<input_moments>({samples.begin() + 13, samples.end()}));
    EXPECT_EQ(parts.read().samples(), 40u);
    for (index_t j = 0; j < width; ++j) {
      ASSERT_NEAR(parts.mean_square(j), whole.mean_square(j), 1e-12 * whole.mean_square(j));
    }
  }
}

TEST(input_moments, says_of_hidden_states_what_feature_magnitudes_says) {
  random_source random{3};
  const std::vector<input_sample> samples = random_samples(random, 9, 5);
  feature_magnitudes features{{.layers = 1, .width = 9}};
  for (const input_sample& sample : samples) {
    features.add(0, sample.view());
    features.input_end();
  }
  const auto found = measured<input_moments>(samples);
  for (index_t j = 0; j < 9; ++j) EXPECT_EQ(found.mean_square(j), features.squared_norm(0, j));
}

TEST(input_moments, what_is_no_number_counts_as_0_and_is_counted) {
  const std::vector<float> x{std::numeric_limits<float>::quiet_NaN(), 2, -std::numeric_limits<float>::infinity(), 3};
  input_moments found{{.width = 2}};
  found.add({x.data(), 2, 2});
  EXPECT_EQ(found.mean_square(1), 0.0) << "the sample has not ended";
  found.sample_end();
  EXPECT_EQ(found.mean_squares(), (std::vector<double>{0, 13}));
  EXPECT_EQ(found.read().undefined(), 2u);
}

TEST(input_moments, what_somebody_else_summed_is_one_sample) {
  const input_moments found{{.width = 2, .corpus = "theirs"}, {8, 0.5}, 4};
  EXPECT_EQ(found.mean_squares(), (std::vector<double>{8, 0.5}));
  EXPECT_EQ(found.read().positions(), 4u);
  EXPECT_EQ(found.read().samples(), 1u);
  input_moments both{{.width = 2, .corpus = "ours"}};
  const std::vector<float> x{2, 1};
  both.add({x.data(), 1, 2});
  both.sample_end();
  both.merge(found);
  EXPECT_EQ(both.mean_squares(), (std::vector<double>{6, 0.75}));
  EXPECT_EQ(both.read().positions(), 5u);
  EXPECT_THROW((input_moments{{.width = 3}, {8, 0.5}, 4}), shape_error);
}

TEST(input_moments, refuses_what_does_not_fit) {
  EXPECT_THROW(input_moments{{.width = 0}}, setting_error);
  input_moments found{{.width = 2}};
  EXPECT_THROW(found.merge(input_moments{{.width = 3}}), shape_error);
}

}  // namespace
}  // namespace fissile
