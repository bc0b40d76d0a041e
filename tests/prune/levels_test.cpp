#include <fissile/prune/levels.hpp>

#include <gtest/gtest.h>

namespace fissile {
namespace {

TEST(levels, mean_activation_is_over_neurons_that_were_run) {
  const partition split{{{0, 1}, {2}}};
  neuron_magnitudes found{{split, split}};
  const std::vector<float> pair{-1, 3}, one{8};
  found.at(1).expert(0, {0, 1.0f}, pair);
  found.at(1).expert(1, {0, 1.0f}, pair);
  found.at(1).expert(1, {1, 1.0f}, one);
  EXPECT_EQ(mean_activation_levels(found), (std::vector<double>{0, 16.0 / 5}));
}

TEST(levels, shares_leave_shared_experts_out) {
  const partition split{{{0}, {1}, {2}, {3}, {4}}, {4}};
  activation_counts counts{split, {.labels = {"en", "de"}, .layers = 2}};
  for (index_t token = 0; token < 4; ++token) {
    route chosen{5};
    if (token == 0) chosen.append({0, 1.0f});
    chosen.append({1, 1.0f});
    chosen.append({4, 1.0f});
    counts.at("de", 1).token(chosen);
  }
  EXPECT_EQ(busy_levels(counts, "de", 0.25), (std::vector<double>{0, 0.5}));
  EXPECT_EQ(busy_levels(counts, "de", 0.3), (std::vector<double>{0, 0.25}));
  EXPECT_EQ(idle_levels(counts, "de"), (std::vector<double>{1, 0.5}));
  EXPECT_EQ(idle_levels(counts, "en"), (std::vector<double>{1, 1}));
  EXPECT_THROW(idle_levels(counts, "fr"), setting_error);
  const activation_counts none{partition{{{0}}, {0}}, {.labels = {"en"}, .layers = 1}};
  EXPECT_EQ(idle_levels(none, "en"), (std::vector<double>{0}));
}

}  // namespace
}  // namespace fissile
