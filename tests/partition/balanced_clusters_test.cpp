// Clusters of equal size: they find groups that are there, the same ones each time, and odd weights do no harm.
#include <fissile/partition/balanced_clusters.hpp>
#include <fissile/partition/even_slices.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

#include <limits>
#include <set>

namespace fissile {
namespace {

using testing::refusal;

/// Neurons in `groups` groups of gate rows that lie close together, in random order. planted[j]: neuron j's group.
template <element T>
owned_ffn<T> planted_layer(random_source& random, std::vector<index_t>& planted, index_t groups, row_metric metric) {
  constexpr index_t width = 24;
  const index_t neurons = length(planted);
  for (index_t j = 0; j < neurons; ++j) planted[to_size(j)] = j % groups;
  shuffle(planted, random);
  owned_ffn<T> ffn = testing::random_ffn<T>(random, {.width = width, .neurons = neurons});
  const auto centres = testing::random_numbers<double>(random, groups * width);
  for (index_t j = 0; j < neurons; ++j) {
    // For the angle alone, how long a row is must not matter.
    const double size = metric == row_metric::cosine ? std::exp(2 * random.normal()) : 1;
    for (index_t i = 0; i < width; ++i) {
      const double centre = centres[to_size(planted[to_size(j)] * width + i)];
      ffn.gate[to_size(j * width + i)] = testing::narrow<T>(size * (centre + 0.05 * random.normal()));
    }
  }
  return ffn;
}

template <element T>
void expect_planted_are_found(row_metric metric) {
  random_source random{1};
  for (const index_t groups : {2, 5, 9}) {
    std::vector<index_t> planted(to_size(groups * 7));
    const owned_ffn<T> ffn = planted_layer<T>(random, planted, groups, metric);
    const partition split = balanced_clusters{.metric = metric}.split(ffn.view(), groups);
    ASSERT_EQ(split.experts(), groups);
    for (index_t e = 0; e < groups; ++e) {
      std::set<index_t> found;
      for (index_t neuron : split.expert(e)) found.insert(planted[to_size(neuron)]);
      EXPECT_EQ(found.size(), 1u) << "expert " << e << " of " << groups << " mixes groups";
      EXPECT_EQ(split.size(e), 7);
    }
  }
}

TEST(balanced_clusters, find_planted_groups_by_angle) {
  expect_planted_are_found<float>(row_metric::cosine);
  expect_planted_are_found<bf16>(row_metric::cosine);
}

TEST(balanced_clusters, find_planted_groups_by_distance) {
  expect_planted_are_found<float>(row_metric::l2);
}

/// Powers of two change no digit of a direction.
TEST(balanced_clusters, by_angle_do_not_see_lengths) {
  random_source random{6};
  for (int trial = 0; trial < 20; ++trial) {
    auto ffn = testing::random_ffn<float>(random, {.width = 7, .neurons = 40});
    const partition split = balanced_clusters{}.split(ffn.view(), 6);
    for (index_t j = 0; j < 40; ++j) {
      const float size = std::exp2(static_cast<float>(random.below(13) - 6));
      for (index_t i = 0; i < 7; ++i) ffn.gate[to_size(j * 7 + i)] *= size;
    }
    EXPECT_EQ(balanced_clusters{}.split(ffn.view(), 6), split);
  }
}

/// Rows of one direction and two lengths: one group by angle, two by distance.
TEST(balanced_clusters, by_distance_tell_lengths_apart) {
  owned_ffn<float> ffn{.width = 2, .neurons = 8};
  for (index_t j = 0; j < 8; ++j) {
    const float size = j % 2 == 0 ? 1.0f : 10.0f;
    ffn.up.insert(ffn.up.end(), {size, size});
    ffn.down.insert(ffn.down.end(), {1, 1});
  }
  const partition split = balanced_clusters{.metric = row_metric::l2}.split(ffn.view(), 2);
  EXPECT_EQ(split, (partition{{{0, 2, 4, 6}, {1, 3, 5, 7}}}));  // and without a gate the rows of up count
}

TEST(balanced_clusters, are_deterministic_even_and_in_order_of_their_first_neurons) {
  random_source random{2};
  for (int trial = 0; trial < 60; ++trial) {
    const auto ffn = testing::random_ffn<float>(random, testing::random_shape(random));
    const index_t experts = 1 + random.below(ffn.neurons);
    const balanced_clusters policy{.metric = trial % 2 == 0 ? row_metric::cosine : row_metric::l2,
                                   .rounds = 1 + random.below(6),
                                   .seed = random.bits()};
    const partition split = policy.split(ffn.view(), experts);
    ASSERT_EQ(split, policy.split(ffn.view(), experts));
    ASSERT_EQ(split.experts(), experts);
    ASSERT_EQ(split.neurons(), ffn.neurons);
    for (index_t e = 0; e < experts; ++e) {
      ASSERT_GE(split.size(e), ffn.neurons / experts);
      ASSERT_LE(split.size(e), (ffn.neurons + experts - 1) / experts);
      ASSERT_TRUE(e == 0 || split.expert(e - 1)[0] < split.expert(e)[0]);
    }
  }
}

double spread_of(const owned_ffn<float>& ffn, const partition& split) {
  double spread = 0;
  for (index_t e = 0; e < split.experts(); ++e) {
    for (index_t i = 0; i < ffn.width; ++i) {
      double mean = 0;
      for (index_t neuron : split.expert(e)) mean += static_cast<double>(ffn.gate[to_size(neuron * ffn.width + i)]);
      mean /= static_cast<double>(split.size(e));
      for (index_t neuron : split.expert(e)) {
        const double off = static_cast<double>(ffn.gate[to_size(neuron * ffn.width + i)]) - mean;
        spread += off * off;
      }
    }
  }
  return spread;
}

TEST(balanced_clusters, are_tighter_than_slices_and_more_rounds_tighten_them) {
  random_source random{3};
  for (int trial = 0; trial < 10; ++trial) {
    const auto ffn = testing::random_ffn<float>(random, {.width = 6, .neurons = 96});
    const double slices = spread_of(ffn, even_slices{}.split(ffn.view(), 8));
    const double once = spread_of(ffn, balanced_clusters{.metric = row_metric::l2, .rounds = 1}.split(ffn.view(), 8));
    const double often = spread_of(ffn, balanced_clusters{.metric = row_metric::l2}.split(ffn.view(), 8));
    EXPECT_LT(once, slices);
    EXPECT_LT(often, 0.8 * slices);
    EXPECT_LE(often, once);
  }
}

TEST(balanced_clusters, equal_rows_are_dealt_evenly) {
  owned_ffn<float> ffn{.width = 3, .neurons = 10};
  ffn.gate.assign(30, 0.0f);
  ffn.up.assign(30, 1.0f);
  ffn.down.assign(30, 1.0f);
  for (const row_metric metric : {row_metric::cosine, row_metric::l2}) {
    const partition split = balanced_clusters{.metric = metric}.split(ffn.view(), 4);
    EXPECT_EQ(split.largest(), 3);
    EXPECT_EQ(split.neurons(), 10);
  }
}

TEST(balanced_clusters, of_rows_that_cannot_be_compared_are_even_slices) {
  random_source random{4};
  const auto expect_slices = [&](row_metric metric, float odd) {
    auto ffn = testing::random_ffn<float>(random, {.width = 5, .neurons = 23});
    ffn.gate[37] = odd;
    EXPECT_EQ(balanced_clusters{.metric = metric}.split(ffn.view(), 4), even_slices{}.split(23, 4)) << odd;
    for (float& weight : ffn.gate) weight = odd;
    EXPECT_EQ(balanced_clusters{.metric = metric}.split(ffn.view(), 4).neurons(), 23) << odd;
  };
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    expect_slices(row_metric::cosine, odd);
    expect_slices(row_metric::l2, odd);
  }
  expect_slices(row_metric::l2, 1e30f);  // its square is infinite
}

TEST(balanced_clusters, refuse_what_cannot_be) {
  random_source random{5};
  const auto ffn = testing::random_ffn<float>(random, {.width = 3, .neurons = 5});
  EXPECT_EQ(refusal<setting_error>([&] { balanced_clusters{}.split(ffn.view(), 6); }),
            "balanced_clusters: experts: expected from 1 to 5, the number of neurons, got 6");
  EXPECT_EQ(refusal<setting_error>([&] { balanced_clusters{.rounds = 0}.split(ffn.view(), 2); }),
            "balanced_clusters: rounds: expected at least 1, got 0");
  ffn_weights<float> wrong = ffn.view();
  wrong.gate = {ffn.gate.data(), 3, 5};
  EXPECT_EQ(refusal<shape_error>([&] { balanced_clusters{}.split(wrong, 2); }).substr(0, 23),
            "balanced_clusters: gate");
}

}  // namespace
}  // namespace fissile
