// Importance by gradient: the plain sums, and that `change` is what the loss really does when neurons fade.
#include <fissile/detect/neuron_importance.hpp>
#include <fissile/weights/dense_ffn.hpp>

#include "file/temporary.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::message_of;

TEST(neuron_importance, equals_the_plain_sums_however_tokens_are_cut) {
  random_source random{151};
  for (int trial = 0; trial < 30; ++trial) {
    const index_t neurons = 1 + random.below(12), tokens = 1 + random.below(30);
    const auto h = testing::random_numbers<float>(random, tokens * neurons);
    const auto g = testing::random_numbers<float>(random, tokens * neurons);
    const matrix_view<const float> hidden{h.data(), tokens, neurons}, gradients{g.data(), tokens, neurons};
    neuron_importance whole{{.labels = {"de", "en"}, .neurons = neurons}}, pieces = whole;
    whole.add("en", hidden, gradients);
    for (index_t token = 0; token < tokens;) {
      const index_t count = std::min(tokens - token, 1 + random.below(7));
      pieces.add("en", hidden.rows(token, count), gradients.rows(token, count));
      token += count;
    }
    ASSERT_EQ(pieces, whole);
    ASSERT_EQ(whole.tokens("en"), static_cast<std::uint64_t>(tokens));
    const auto score = [&](importance_of what, summed_by how) { return whole.scores(what, how); };
    for (index_t j = 0; j < neurons; ++j) {
      double change = 0, change_magnitude = 0, gradient = 0, gradient_magnitude = 0;
      for (index_t t = 0; t < tokens; ++t) {
        const double slope = gradients(t, j), product = static_cast<double>(hidden(t, j)) * slope;
        change += product;
        change_magnitude += std::abs(product);
        gradient += slope;
        gradient_magnitude += std::abs(slope);
      }
      const auto count = static_cast<double>(tokens);
      const std::size_t at = to_size(neurons + j);  // the second label's row
      ASSERT_NEAR(whole.scores()[at], change_magnitude / count, 1e-12);
      ASSERT_NEAR(score(importance_of::change, summed_by::total)[at], std::abs(change) / count, 1e-12);
      ASSERT_NEAR(score(importance_of::gradient, summed_by::sample)[at], gradient_magnitude / count, 1e-12);
      ASSERT_NEAR(score(importance_of::gradient, summed_by::total)[at], std::abs(gradient) / count, 1e-12);
      ASSERT_EQ(whole.scores()[to_size(j)], 0) << "no tokens of the first label";
      ASSERT_NEAR(whole.sums("en", j).change, change, 1e-12);
    }
  }
}

/// L = sum over tokens of ||y - target||^2 / 2. A neuron whose h is multiplied by 1 + e changes L by e * sum h dL/dh.
TEST(neuron_importance, of_change_is_what_the_loss_does_when_a_neuron_fades) {
  random_source random{152};
  const index_t width = 5, neurons = 8, tokens = 6;
  const auto ffn = testing::random_ffn<double>(random, {.width = width, .neurons = neurons});
  const auto x = testing::random_numbers<double>(random, tokens * width);
  const auto target = testing::random_numbers<double>(random, tokens * width);
  std::vector<double> hidden(to_size(tokens * neurons)), gradients(hidden.size());
  const auto run = [&](index_t changed, double factor, bool remember) {
    double loss = 0;
    for (index_t t = 0; t < tokens; ++t) {
      std::vector<double> h, off;
      for (index_t j = 0; j < neurons; ++j) {
        h.push_back(hidden_of<double>(ffn.view(), silu{}, j, x.data() + t * width) * (j == changed ? factor : 1));
      }
      for (index_t i = 0; i < width; ++i) {
        double y = 0;
        for (index_t j = 0; j < neurons; ++j) y += ffn.view().down(i, j) * h[to_size(j)];
        off.push_back(y - target[to_size(t * width + i)]);
        loss += off.back() * off.back() / 2;
      }
      if (!remember) continue;
      for (index_t j = 0; j < neurons; ++j) {
        hidden[to_size(t * neurons + j)] = h[to_size(j)];
        for (index_t i = 0; i < width; ++i) {
          gradients[to_size(t * neurons + j)] += off[to_size(i)] * ffn.view().down(i, j);
        }
      }
    }
    return loss;
  };
  run(-1, 1, true);
  neuron_importance found{{.labels = {"all"}, .neurons = neurons}};
  found.add(0, matrix_view{hidden.data(), tokens, neurons}, matrix_view{gradients.data(), tokens, neurons});
  const std::vector<double> scores = found.scores(importance_of::change, summed_by::total);
  for (index_t j = 0; j < neurons; ++j) {
    const double slope = (run(j, 1 + 1e-5, false) - run(j, 1 - 1e-5, false)) / 2e-5;
    EXPECT_NEAR(scores[to_size(j)], std::abs(slope) / static_cast<double>(tokens), 1e-7);
  }
}

TEST(neuron_importance, merging_equals_one_pass) {
  random_source random{153};
  const auto h = testing::random_numbers<double>(random, 40 * 3), g = testing::random_numbers<double>(random, 40 * 3);
  const matrix_view<const double> hidden{h.data(), 40, 3}, gradients{g.data(), 40, 3};
  neuron_importance one{{.labels = {"de", "en"}, .neurons = 3}}, a{{.labels = {"de", "en"}, .neurons = 3}},
      b{{.labels = {"de", "en"}, .neurons = 3, .corpus = "guide"}};
  for (index_t part = 0; part < 4; ++part) {
    const char* label = part % 2 == 0 ? "de" : "en";
    one.add(label, hidden.rows(10 * part, 10), gradients.rows(10 * part, 10));
    (part < 2 ? a : b).add(label, hidden.rows(10 * part, 10), gradients.rows(10 * part, 10));
  }
  a.merge(b);
  EXPECT_EQ(a.corpus(), "guide");
  EXPECT_EQ(a.tokens("de"), 20u);
  for (const importance_of what : {importance_of::change, importance_of::gradient}) {
    for (const summed_by how : {summed_by::sample, summed_by::total}) {
      const auto merged = a.scores(what, how), expected = one.scores(what, how);
      for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(merged[i], expected[i], 1e-12);
    }
  }
}

TEST(neuron_importance, what_is_no_number_is_counted_and_left_out) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> hidden{nan, 0, 3}, gradients{1, infinity, -2};
  neuron_importance found{{.labels = {"en"}, .neurons = 3}};
  found.add("en", matrix_view{hidden.data(), 1, 3}, matrix_view{gradients.data(), 1, 3});
  EXPECT_EQ(found.undefined("en"), 2u);
  EXPECT_EQ(found.scores(), (std::vector<double>{0, 0, 6}));
}

TEST(neuron_importance, refuses_what_cannot_be) {
  EXPECT_EQ(message_of<setting_error>([] { neuron_importance{{.labels = {"en"}, .neurons = 0}}; }),
            "neuron_importance: neurons: expected at least 1, got 0");
  EXPECT_EQ(message_of<setting_error>([] { neuron_importance{{.labels = {}, .neurons = 1}}; }),
            "neuron_importance: labels: expected at least one label, none empty, each once, got none");
  neuron_importance found{{.labels = {"en"}, .neurons = 2}};
  EXPECT_EQ(message_of<setting_error>([&] { found.tokens("fr"); }),
            "label: expected one of en, got \"fr\"; labels are fixed when counts are made");
  EXPECT_EQ(message_of<shape_error>([&] { found.merge(neuron_importance{{.labels = {"en"}, .neurons = 3}}); }),
            "neuron_importance::merge: expected the same labels and 2 neurons, got 1 labels and 3 neurons");
}

}  // namespace
}  // namespace fissile
