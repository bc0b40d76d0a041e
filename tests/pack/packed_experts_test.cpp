// Packed experts: where each lies, and that one stream holds them all.
#include <fissile/pack/pack.hpp>

#include "support/random_ffn.hpp"

#include <gtest/gtest.h>

namespace fissile {
namespace {

TEST(packed_experts, lie_one_after_the_other_in_one_block) {
  random_source random{1};
  const auto ffn = testing::random_ffn<bf16>(random, {.width = 70, .neurons = 100, .biased = testing::biases::present});
  const partition split{{[] {
    std::vector<std::vector<index_t>> experts(3);
    for (index_t j = 0; j < 100; ++j) experts[j < 1 ? 0u : j < 40 ? 1u : 2u].push_back(j);
    return experts;
  }()}};
  const auto packed = pack(ffn.view(), split);
  const std::byte* next = packed.panels(0).data;
  const float* bias = packed.panels(0).input_bias;
  index_t bytes = 0;
  for (index_t e = 0; e < 3; ++e) {
    const auto panels = packed.panels(e);
    EXPECT_EQ(panels.data, next) << e;
    EXPECT_EQ(panels.input_bias, bias) << e;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(panels.data) % 64, 0u);
    EXPECT_EQ(panels.input(1), next + panels.layout.in.panel_bytes());
    EXPECT_EQ(panels.output(1), next + panels.layout.in.bytes() + panels.layout.out.panel_bytes());
    next += panels.layout.bytes();
    bias += panels.layout.in.columns;
    bytes += panels.layout.bytes();
  }
  EXPECT_EQ(packed.bytes(), bytes);
  EXPECT_EQ(packed.width(), 70);
}

TEST(packed_experts, remember_their_settings_and_whether_there_are_biases) {
  random_source random{2};
  const auto ffn = testing::random_ffn<float>(random, {.width = 3, .neurons = 8, .gated = testing::gate::absent});
  const auto packed = pack<bf16>(ffn.view(), {.instructions = instruction_set::base, .products = products::bf16_dot});
  EXPECT_EQ(packed.settings().instructions, instruction_set::base);
  EXPECT_EQ(packed.settings().products, products::bf16_dot);
  EXPECT_FALSE(packed.gated());
  EXPECT_EQ(packed.panels(0).input_bias, nullptr);
  EXPECT_TRUE(packed.down_bias().empty());
  EXPECT_EQ(packed.tiles().of[0], kernel::tiles_for<kernel::rounded_inputs>(instruction_set::base).of[0]);
  EXPECT_EQ(pack<bf16>(ffn.view(), {.instructions = instruction_set::base}).tiles().of[0],
            kernel::tiles_for<bf16>(instruction_set::base).of[0]);
}

/// The layout is one for all instruction sets: what is packed for one could be read by another.
TEST(packed_experts, hold_the_same_bytes_for_every_instruction_set) {
  random_source random{3};
  const auto ffn = testing::random_ffn<float>(random, {.width = 20, .neurons = 50});
  const auto base = pack<int8>(ffn.view(), {.instructions = instruction_set::base, .weights_per_scale = 32});
  const auto best = pack<int8>(ffn.view(), {.weights_per_scale = 32});
  ASSERT_EQ(base.bytes(), best.bytes());
  EXPECT_TRUE(std::equal(base.panels(0).data, base.panels(0).data + base.bytes(), best.panels(0).data));
}

}  // namespace
}  // namespace fissile
