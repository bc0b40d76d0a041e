// From sums to hidden activations: biases, activation, gate times up, the route's weight; any activation of a user's.
#include <fissile/pack/kernel/hidden_tile.hpp>

#include "pack/machine.hpp"
#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

#include <array>

namespace fissile::kernel {
namespace {

/// Knows what it multiplies by: an activation may have a state.
struct leaky {
  float slope;
  float operator()(float z) const noexcept { return z < 0 ? slope * z : z; }
};

class hidden_tiles : public ::testing::Test {
protected:
  random_source random{1};
  std::vector<float> sums = testing::random_numbers<float>(random, panel_columns);
  std::vector<float> bias = testing::random_numbers<float>(random, panel_columns);

  std::vector<float> finished(instruction_set set, bool gated, const float* with, float weight) const {
    std::vector<float> made = sums;
    hidden_for<leaky>(set, gated)(leaky{0.25f}, {made.data(), with, weight});
    return made;
  }
};

TEST_F(hidden_tiles, without_a_gate_activate_up) {
  for (const instruction_set set : testing::machine_sets()) {
    const auto plain = finished(set, false, nullptr, 1.0f), biased = finished(set, false, bias.data(), 0.5f);
    for (std::size_t j = 0; j < 64; ++j) {
      ASSERT_EQ(plain[j], leaky{0.25f}(sums[j])) << name_of(set);
      ASSERT_EQ(biased[j], leaky{0.25f}(sums[j] + bias[j]) * 0.5f) << name_of(set);
    }
  }
}

TEST_F(hidden_tiles, with_a_gate_multiply_the_activated_gate_by_up) {
  for (const instruction_set set : testing::machine_sets()) {
    const auto plain = finished(set, true, nullptr, 1.0f), biased = finished(set, true, bias.data(), 3.0f);
    for (std::size_t j = 0; j < 32; ++j) {
      ASSERT_EQ(plain[j], leaky{0.25f}(sums[j]) * sums[j + 32]) << name_of(set);
      ASSERT_EQ(biased[j], leaky{0.25f}(sums[j] + bias[j]) * (sums[j + 32] + bias[j + 32]) * 3.0f) << name_of(set);
    }
  }
}

}  // namespace
}  // namespace fissile::kernel
