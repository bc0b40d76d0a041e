// Markers: the strongest of each token, as sorting finds them.
#include <fissile/partition/activation_markers.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

#include <limits>
#include <set>

namespace fissile {
namespace {

using testing::refusal;

TEST(activation_markers, are_the_strongest_of_each_token) {
  random_source random{1};
  for (int trial = 0; trial < 60; ++trial) {
    const index_t neurons = 1 + random.below(40), tokens = 1 + random.below(150), strongest = 1 + random.below(12);
    std::vector<float> hidden(to_size(neurons * tokens));
    for (float& h : hidden) h = static_cast<float>(random.below(9) - 4);  // full of ties
    activation_markers markers{{.neurons = neurons, .strongest = strongest}};
    for (index_t token = 0; token < tokens;) {  // in pieces
      const index_t count = std::min(tokens - token, 1 + random.below(70));
      markers.add({hidden.data() + token * neurons, count, neurons});
      token += count;
    }
    ASSERT_EQ(markers.tokens(), tokens);
    std::vector<std::uint64_t> counts(to_size(neurons), 0);
    for (index_t token = 0; token < tokens; ++token) {
      const float* row = hidden.data() + token * neurons;
      std::vector<index_t> order = ascending(neurons);
      std::stable_sort(order.begin(), order.end(),
                       [&](index_t a, index_t b) { return std::abs(row[a]) > std::abs(row[b]); });
      order.resize(to_size(std::min(strongest, neurons)));
      const std::set<index_t> expected(order.begin(), order.end());
      for (index_t j = 0; j < neurons; ++j) {
        ASSERT_EQ(markers.marked(token, j), expected.count(j) == 1) << "token " << token << ", neuron " << j;
        counts[to_size(j)] += expected.count(j);
      }
    }
    ASSERT_EQ(markers.counts(), counts);
  }
}

TEST(activation_markers, never_mark_what_is_no_number) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> hidden{nan, 1, -infinity, 2, nan, nan, nan, 0};
  activation_markers markers{{.neurons = 4, .strongest = 2}};
  markers.add({hidden.data(), 2, 4});
  EXPECT_EQ(markers.counts(), (std::vector<std::uint64_t>{0, 0, 1, 2}));
  EXPECT_EQ(markers.undefined(), 4u);
}

TEST(activation_markers, merging_equals_one_pass) {
  random_source random{2};
  for (int trial = 0; trial < 30; ++trial) {
    const index_t tokens = 1 + random.below(200), first = random.below(tokens + 1);
    const auto hidden = testing::random_numbers<float>(random, tokens * 15);
    const matrix_view<const float> all{hidden.data(), tokens, 15};
    activation_markers one{{.neurons = 15, .strongest = 3, .corpus = "guide"}},
        a = one, b{{.neurons = 15, .strongest = 3, .corpus = "manual"}};
    one.add(all);
    a.add(all.rows(0, first));
    b.add(all.rows(first, tokens - first));
    a.merge(b);
    EXPECT_EQ(a.corpus(), "guide + manual");
    ASSERT_EQ(a.tokens(), one.tokens());
    ASSERT_EQ(a.blocks(), one.blocks());
    for (index_t block = 0; block < one.blocks(); ++block) {
      for (index_t j = 0; j < 15; ++j) ASSERT_EQ(a.word(block, j), one.word(block, j));
    }
    activation_markers twice = one;
    twice.merge(twice);
    ASSERT_EQ(twice.tokens(), 2 * tokens);
    for (std::size_t j = 0; j < 15; ++j) ASSERT_EQ(twice.counts()[j], 2 * one.counts()[j]);
  }
}

TEST(activation_markers, refuse_what_cannot_be) {
  EXPECT_EQ(refusal<setting_error>([] { activation_markers{{.neurons = 0}}; }),
            "activation_markers: neurons: expected at least 1, got 0");
  EXPECT_EQ(refusal<setting_error>([] { activation_markers{{.neurons = 1, .strongest = 0}}; }),
            "activation_markers: strongest: expected at least 1, got 0");
  activation_markers markers{{.neurons = 2}};
  EXPECT_EQ(refusal<shape_error>([&] { markers.merge(activation_markers{{.neurons = 3}}); }),
            "activation_markers::merge: expected 2 neurons, got 3");
  EXPECT_EQ(refusal<setting_error>([&] { markers.merge(activation_markers{{.neurons = 2, .strongest = 4}}); }),
            "activation_markers::merge: strongest: expected 10, got 4");
}

}  // namespace
}  // namespace fissile
