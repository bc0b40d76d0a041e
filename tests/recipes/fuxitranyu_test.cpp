// What the analyses say: scores by gradient equal the exact ones where the loss is linear and come close where it
// nearly is, sums go up from neurons to layers, and curves are the means of their tables.
#include <fissile/recipes/fuxitranyu.hpp>

#include <gtest/gtest.h>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

namespace fissile {
namespace fuxitranyu_tests {

using fuxitranyu::agreement;
using testing::refusal;

/// y_t = down h_t, and a loss of all y: what stands behind a layer's neurons. All in double.
struct small_head {
  small_head(std::uint64_t seed, double scale) : random{seed} {
    down = testing::random_numbers<double>(random, width * neurons, scale);
    hidden = testing::random_numbers<double>(random, tokens * neurons);
    wanted = testing::random_numbers<double>(random, tokens * width);
  }
  /// With neuron `silent` at 0; -1: none.
  std::vector<double> outputs(index_t silent) const {
    std::vector<double> y(to_size(tokens * width), 0.0);
    for (index_t t = 0; t < tokens; ++t) {
      for (index_t i = 0; i < width; ++i) {
        for (index_t j = 0; j < neurons; ++j) {
          if (j != silent)
            y[to_size(t * width + i)] += down[to_size(i * neurons + j)] * hidden[to_size(t * neurons + j)];
        }
      }
    }
    return y;
  }
  /// Scores by gradient from dL/dy, read as the silence of a neuron over the whole text.
  std::vector<double> taylor(const std::vector<double>& output_gradients) const {
    std::vector<double> gradients(hidden.size(), 0.0);
    for (index_t t = 0; t < tokens; ++t) {
      for (index_t j = 0; j < neurons; ++j) {
        for (index_t i = 0; i < width; ++i) {
          gradients[to_size(t * neurons + j)] +=
              output_gradients[to_size(t * width + i)] * down[to_size(i * neurons + j)];
        }
      }
    }
    component_importance found{{.labels = {"en"}, .components = {{.name = "hidden", .neurons = neurons}}}};
    found.add("en", {0, "hidden"}, matrix_view{hidden.data(), tokens, neurons},
              matrix_view{gradients.data(), tokens, neurons});
    return found.of_neurons("en", {0, "hidden"}, fuxitranyu::of_whole_text);
  }
  template <class Loss>
  std::vector<double> exact(const Loss& loss) const {
    return fuxitranyu::exact_importance(loss(outputs(-1)), ascending(neurons),
                                        [&](index_t silent) { return loss(outputs(silent)); });
  }

  static constexpr index_t width = 6, neurons = 20, tokens = 5;
  random_source random;
  std::vector<double> down, hidden, wanted;  // [width x neurons], [tokens x neurons], [tokens x width]
};

TEST(fuxitranyu, gradient_equals_ablation_where_the_loss_is_linear) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const small_head head{seed, 1};
    const auto loss = [&](const std::vector<double>& y) {
      double sum = 3;
      for (std::size_t i = 0; i < y.size(); ++i) sum += head.wanted[i] * y[i];
      return sum;
    };
    const std::vector<double> exact = head.exact(loss), taylor = head.taylor(head.wanted);
    for (std::size_t j = 0; j < exact.size(); ++j) EXPECT_NEAR(taylor[j], exact[j], 1e-11);
    EXPECT_LT(agreement(taylor, exact).relative_error, 1e-11);
    EXPECT_NEAR(agreement(taylor, exact).spearman, 1, 1e-12);
  }
}

/// Of the loss |y - wanted|^2 / 2 the remainder is known: half the square of what the neuron adds to y.
TEST(fuxitranyu, gradient_is_as_far_from_ablation_as_the_remainder_allows) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    for (const double scale : {1.0, 0.003}) {
      const small_head head{seed, scale};
      const auto loss = [&](const std::vector<double>& y) {
        double sum = 0;
        for (std::size_t i = 0; i < y.size(); ++i) sum += (y[i] - head.wanted[i]) * (y[i] - head.wanted[i]) / 2;
        return sum;
      };
      std::vector<double> slopes = head.outputs(-1);
      for (std::size_t i = 0; i < slopes.size(); ++i) slopes[i] -= head.wanted[i];
      const std::vector<double> taylor = head.taylor(slopes), exact = head.exact(loss);
      for (index_t j = 0; j < head.neurons; ++j) {
        double remainder = 0;
        for (index_t t = 0; t < head.tokens; ++t) {
          for (index_t i = 0; i < head.width; ++i) {
            const double added = head.down[to_size(i * head.neurons + j)] * head.hidden[to_size(t * head.neurons + j)];
            remainder += added * added / 2;
          }
        }
        EXPECT_LE(std::abs(taylor[to_size(j)] - exact[to_size(j)]), remainder + 1e-10);
      }
      if (scale == 1) continue;
      EXPECT_LT(agreement(taylor, exact).relative_error, 0.05);
      EXPECT_GT(agreement(taylor, exact).spearman, 0.95);
    }
  }
}

TEST(fuxitranyu, agreement_by_hand) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const fuxitranyu::taylor_agreement same = agreement({1, 5, 9}, {2, 3, 40});
  EXPECT_DOUBLE_EQ(same.spearman, 1) << "only the order counts";
  EXPECT_DOUBLE_EQ(same.relative_error, (1 + 2 + 31) / 45.0);
  EXPECT_DOUBLE_EQ(agreement({9, 5, 1}, {2, 3, 40}).spearman, -1);
  // ranks 1.5 1.5 3 4 and 1 2 3.5 3.5, means 2.5: products 1.5 + 0.5 + 0.5 + 1.5, squares 4.5 each
  EXPECT_DOUBLE_EQ(agreement({0, 0, 3, 4}, {1, 2, 5, 5}).spearman, 4 / 4.5);
  const fuxitranyu::taylor_agreement holes = agreement({nan, 1, 2, 3, 4}, {1, 1, 2, infinity, 4});
  EXPECT_EQ(holes.neurons, 3);
  EXPECT_EQ(holes.undefined, 2);
  EXPECT_EQ(holes.relative_error, 0);
  EXPECT_DOUBLE_EQ(holes.spearman, 1);
  EXPECT_TRUE(std::isnan(agreement({1, 2}, {3, 3}).spearman));
  EXPECT_TRUE(std::isnan(agreement({}, {}).spearman));
  EXPECT_EQ(agreement({0, 0}, {0, 0}).relative_error, 0);
  EXPECT_EQ(refusal<shape_error>([] {
              agreement({1}, {1, 2});
            }),
            "fuxitranyu::agreement: expected 2 scores by gradient, one for each exact one, got 1");
}

TEST(fuxitranyu, a_block_has_the_components_that_put_something_out) {
  const fuxitranyu::block_components block{
      .query = 8, .key = 4, .value = 4, .attention_output = 8, .gate = 20, .up = 20, .hidden = 20, .down = 8};
  const std::vector<component_shape> all = block.shapes();
  ASSERT_EQ(all.size(), 8u) << "as many as the paper has";
  EXPECT_EQ(all[3], (component_shape{"attention_output", 8}));
  EXPECT_EQ(all[7], (component_shape{"down", 8}));
  fuxitranyu::block_components ungated = block;
  ungated.gate = 0;
  const std::vector<component_shape> seven = ungated.shapes();
  ASSERT_EQ(seven.size(), 7u);
  EXPECT_EQ(seven[4].name, "up");
}

TEST(fuxitranyu, importance_of_layers_and_the_share_of_attention) {
  random_source random{91};
  const fuxitranyu::block_components block{.query = 3, .value = 2, .hidden = 4};
  component_importance found{{.labels = {"en", "de"}, .layers = 3, .components = block.shapes()}};
  std::vector<double> attention(3, 0.0), all(3, 0.0);
  for (index_t layer = 0; layer < 2; ++layer) {
    for (const component_shape& one : found.components()) {
      const auto x = testing::random_numbers<double>(random, 7 * one.neurons);
      const auto slopes = testing::random_numbers<double>(random, 7 * one.neurons);
      found.add("de", {layer, one.name}, matrix_view{x.data(), 7, one.neurons},
                matrix_view{slopes.data(), 7, one.neurons});
      for (std::size_t i = 0; i < x.size(); ++i) {
        all[to_size(layer)] += std::abs(x[i] * slopes[i]);
        attention[to_size(layer)] += one.name == "hidden" ? 0 : std::abs(x[i] * slopes[i]);
      }
    }
  }
  const std::vector<std::vector<double>> scores = fuxitranyu::layer_scores(found);
  EXPECT_EQ(scores[0], (std::vector<double>(3, 0.0)));
  for (index_t layer = 0; layer < 3; ++layer) EXPECT_NEAR(scores[1][to_size(layer)], all[to_size(layer)], 1e-12);
  for (index_t layer = 0; layer < 2; ++layer) {
    EXPECT_NEAR(fuxitranyu::attention_share(found, "de", layer), attention[to_size(layer)] / all[to_size(layer)],
                1e-12);
  }
  EXPECT_TRUE(std::isnan(fuxitranyu::attention_share(found, "de", 2)));
  const fuxitranyu::choices per_token{.reading = {.by = importance_reading::scale::per_token}};
  EXPECT_NEAR(fuxitranyu::layer_scores(found, per_token)[1][0], all[0] / 7, 1e-12);
}

TEST(fuxitranyu, similarity_is_the_mean_over_pairs_of_every_layer) {
  random_source random{92};
  language_centroids found = fuxitranyu::centroids({"en", "de", "zh"}, 3, 5, "guide");
  EXPECT_EQ(found.layers(), 4);
  EXPECT_EQ(fuxitranyu::middle_layer(found), 2);
  for (index_t i = 0; i < 12; ++i) {
    const auto state = testing::random_numbers<float>(random, 5);
    found.add(i % 3, i / 3, matrix_view{state.data(), 1, 5});
  }
  const std::vector<double> others = fuxitranyu::similarity_curve(found);
  const std::vector<double> all = fuxitranyu::similarity_curve(found, {.diagonal = own_pairs::included});
  ASSERT_EQ(others.size(), 4u);
  for (index_t layer = 0; layer < 4; ++layer) {
    const double plain =
        (found.cosine("en", "de", layer) + found.cosine("en", "zh", layer) + found.cosine("de", "zh", layer)) / 3;
    EXPECT_NEAR(others[to_size(layer)], plain, 1e-12) << "the default leaves the diagonal out";
    EXPECT_NEAR(all[to_size(layer)], (6 * plain + 3) / 9, 1e-12);
  }
}

}  // namespace fuxitranyu_tests
}  // namespace fissile
