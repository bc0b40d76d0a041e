#include <fissile/count/firing_rates.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace fissile {
namespace {

using testing::refusal;

/// Activations of which some are 0 and few are NaN.
std::vector<float> activations_with_zeros(random_source& random, index_t count) {
  std::vector<float> made(to_size(count));
  for (float& a : made) {
    const index_t kind = random.below(20);
    a = kind == 0 ? std::nanf("") : kind < 4 ? 0.0f : static_cast<float>(random.normal());
  }
  return made;
}

TEST(firing_rates, count_the_tokens_above_0) {
  random_source random{1};
  for (int trial = 0; trial < 50; ++trial) {
    const std::vector<index_t> neurons{1 + random.below(20), 1 + random.below(20)};
    firing_rates found{neurons, {.labels = {"en", "de"}, .layers = 2, .corpus = "guide"}};
    EXPECT_EQ(found.rate("en", 0, 0), 0) << "before any token";
    for (index_t layer = 0; layer < 2; ++layer) {
      const index_t width = neurons[to_size(layer)], tokens = 1 + random.below(30), first = random.below(tokens + 1);
      const auto a = activations_with_zeros(random, tokens * width);
      const matrix_view<const float> all{a.data(), tokens, width};
      firing_counter counter = found.at("de", layer);
      counter.add(all.rows(0, first));
      counter.add(all.rows(first, tokens - first));  // cut as one likes
      std::uint64_t undefined = 0;
      for (index_t j = 0; j < width; ++j) {
        std::uint64_t fires = 0;
        for (index_t t = 0; t < tokens; ++t) {
          fires += all(t, j) > 0 ? 1 : 0;
          undefined += std::isnan(all(t, j)) ? 1 : 0;
        }
        EXPECT_EQ(found.fires("de", layer, j), fires);
        EXPECT_EQ(found.rate("de", layer, j), static_cast<double>(fires) / static_cast<double>(tokens));
        EXPECT_EQ(found.fires("en", layer, j), 0u);
      }
      EXPECT_EQ(found.of("de", layer).undefined, undefined);
      EXPECT_EQ(found.tokens("de", layer), static_cast<std::uint64_t>(tokens));
      EXPECT_EQ(found.neurons(layer), width);
      EXPECT_EQ(found.of("de", layer).contradiction(), "");
    }
  }
}

TEST(firing_rates, merge_exactly_in_any_order_and_subtract_again) {
  random_source random{2};
  for (int trial = 0; trial < 30; ++trial) {
    const counts_settings settings{.labels = {"en", "de"}, .layers = 1, .corpus = "guide"};
    firing_rates all{{7}, settings}, a{{7}, settings}, b{{7}, settings};
    for (int part = 0; part < 8; ++part) {
      const index_t tokens = random.below(5), label = random.below(2);
      const auto numbers = activations_with_zeros(random, tokens * 7);
      all.at(label, 0).add({numbers.data(), tokens, 7});
      (random.below(2) == 0 ? a : b).at(label, 0).add({numbers.data(), tokens, 7});
    }
    firing_rates ab = a, ba = b;
    ab.merge(b);
    ba.merge(a);
    EXPECT_EQ(ab, all);
    EXPECT_EQ(ba, all);
    EXPECT_EQ(ab.since(b), a);
    EXPECT_EQ(ab.only({"de"}).fires("de", 0, 3), all.fires("de", 0, 3));
    ab.clear();
    EXPECT_EQ(ab, (firing_rates{{7}, settings}));
  }
}

TEST(firing_rates, refuse_what_does_not_fit_or_cannot_be) {
  EXPECT_THROW((firing_rates{{3, 0}, {.labels = {"en"}, .layers = 2}}), setting_error);
  EXPECT_THROW((firing_rates{{3}, {.labels = {"en"}, .layers = 2}}), shape_error);
  firing_rates found{{3}, {.labels = {"en"}}};
  EXPECT_THROW(found.at("fr", 0), setting_error);
  EXPECT_THROW(found.merge(firing_rates{{4}, {.labels = {"en"}}}), shape_error);
  layer_firing odd{partition{{{0, 1, 2}}}};
  odd.fires = {0, 5, 0};
  odd.tokens = 4;
  EXPECT_EQ(odd.contradiction(), "neuron 1 fires for more tokens than there were");
  EXPECT_THROW(found.set("en", 0, odd), setting_error);
  odd.tokens = 5;
  found.set("en", 0, odd);
  EXPECT_EQ(found.rate("en", 0, 1), 1.0);
  odd.tokens = std::numeric_limits<std::uint64_t>::max();
  firing_rates full{{3}, {.labels = {"en"}}};
  full.set("en", 0, odd);
  EXPECT_THROW(full.merge(found), setting_error) << "the sum exceeds 64 bits";
  EXPECT_EQ(full.tokens("en", 0), odd.tokens) << "and nothing has changed";
  EXPECT_EQ(layer_firing{}.contradiction(), "no neurons");
}

TEST(firing_rates_death, another_number_of_neurons_breaks_the_contract) {
  firing_rates found{{3}, {.labels = {"en"}}};
  const std::vector<float> numbers(4);
  EXPECT_CONTRACT(found.at("en", 0).add({numbers.data(), 1, 4}));
  EXPECT_CONTRACT((void)found.rate("en", 0, 3));
}

}  // namespace
}  // namespace fissile
