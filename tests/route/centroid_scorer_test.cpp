// Centroids and distances against plain loops, and the router that they make.
#include <fissile/partition/shuffled.hpp>
#include <fissile/route/centroid_scorer.hpp>

#include "base/refusal.hpp"
#include "route/few_tokens.hpp"
#include "support/random_ffn.hpp"
#include "weights/plain_ffn.hpp"

#include <limits>

namespace fissile {
namespace {

using testing::random_numbers;
using testing::refusal;
using testing::scores_of_few;

static_assert(scorer<centroid_scorer>);

template <element T>
void expect_means_of_normalised_rows(random_source& random) {
  const auto owned = testing::random_ffn<T>(random, testing::random_shape(random));
  const partition split = shuffled{.seed = random.bits()}.split(owned.neurons, 1 + random.below(owned.neurons));
  const std::vector<float> centroids = centroids_of(owned.view(), split);
  const std::vector<T>& rows = owned.gate.empty() ? owned.up : owned.gate;
  ASSERT_EQ(length(centroids), split.experts() * owned.width);
  for (index_t e = 0; e < split.experts(); ++e) {
    std::vector<long double> mean(to_size(owned.width));
    for (index_t neuron : split.expert(e)) {
      long double norm = 0;
      for (index_t i = 0; i < owned.width; ++i) {
        norm += std::pow(testing::plain_number(rows[to_size(neuron * owned.width + i)]), 2.0L);
      }
      for (index_t i = 0; i < owned.width; ++i) {
        mean[to_size(i)] += testing::plain_number(rows[to_size(neuron * owned.width + i)]) / std::sqrt(norm) /
                            static_cast<long double>(split.size(e));
      }
    }
    for (index_t i = 0; i < owned.width; ++i) {
      ASSERT_NEAR(static_cast<double>(centroids[to_size(e * owned.width + i)]), static_cast<double>(mean[to_size(i)]),
                  1e-6);
    }
  }
}

TEST(centroids_of, are_means_of_normalised_rows) {
  random_source random{1};
  for (int trial = 0; trial < 20; ++trial) {
    expect_means_of_normalised_rows<float>(random);
    expect_means_of_normalised_rows<bf16>(random);
    expect_means_of_normalised_rows<double>(random);
  }
}

TEST(centroids_of, leaves_rows_of_zeros_out_and_refuses_another_partition) {
  owned_ffn<float> ffn{.width = 2, .neurons = 3};
  ffn.up = {0, 0, 3, 4, -2, 0};
  ffn.down.resize(6);
  EXPECT_EQ(centroids_of(ffn.view(), partition{{{0, 1}, {2}}}), (std::vector<float>{0.3f, 0.4f, -1, 0}));
  EXPECT_EQ(refusal<shape_error>([&] {
              centroids_of(ffn.view(), partition{{{0}, {1}}});
            }),
            "centroids_of: split: expected a partition of 3 neurons, got one of 2; split this layer's own weights");
}

TEST(centroid_scorer, is_minus_the_distance_of_the_normalised_token) {
  random_source random{2};
  for (int trial = 0; trial < 100; ++trial) {
    const index_t experts = 1 + random.below(20), width = 1 + random.below(40), count = 1 + random.below(lanes);
    const auto centroids = random_numbers<float>(random, experts * width, 0.3);
    auto x = random_numbers<float>(random, count * width, 0.1 + 9 * random.uniform());
    if (trial % 5 == 0) std::fill_n(x.begin(), width, 0.0f);
    const matrix_view<const float> tokens{x.data(), count, width};
    const centroid_scorer policy{{centroids.data(), experts, width}};
    const std::vector<float> scores = scores_of_few(policy, tokens);
    for (index_t token = 0; token < count; ++token) {
      double norm = 0;
      for (const float number : tokens.row(token)) norm += static_cast<double>(number) * static_cast<double>(number);
      norm = norm > 0 ? std::sqrt(norm) : 1;
      for (index_t e = 0; e < experts; ++e) {
        double squared = 0;
        for (index_t i = 0; i < width; ++i) {
          const double apart =
              static_cast<double>(tokens(token, i)) / norm - static_cast<double>(centroids[to_size(e * width + i)]);
          squared += apart * apart;
        }
        const auto score = static_cast<double>(scores[to_size(token * experts + e)]);
        ASSERT_LE(score, 0);
        ASSERT_NEAR(score * score, squared, 1e-5 * (1 + squared)) << "trial " << trial;
      }
    }
    testing::expect_no_token_sees_another(policy, tokens);
  }
}

TEST(centroid_scorer, finds_the_expert_whose_direction_the_token_has) {
  const std::vector<float> centroids{1, 0, 0, 1, -1, 0};
  const std::vector<float> x{0, 5, -3, 0.1f, 7, 1, std::numeric_limits<float>::quiet_NaN(), 1};
  const std::vector<float> scores = scores_of_few(centroid_scorer{{centroids.data(), 3, 2}}, {x.data(), 4, 2});
  EXPECT_EQ(scores[1], 0.0f) << "as near as can be";
  EXPECT_GT(scores[1], scores[0]);
  EXPECT_GT(scores[5], scores[4]);
  EXPECT_GT(scores[6], scores[7]);
  EXPECT_TRUE(std::isnan(scores[9]));
}

}  // namespace
}  // namespace fissile
