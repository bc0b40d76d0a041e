// Layers that do not fit together are refused with the whole story; those that fit are only looked at.
#include <fissile/weights/owned_ffn.hpp>
#include <fissile/weights/stacked_ffn_weights.hpp>

#include "base/refusal.hpp"

namespace fissile {
namespace {

using testing::refusal;

constexpr std::size_t enough = 600;

class layer : public ::testing::Test {
protected:
  std::vector<float> memory = std::vector<float>(enough);
  const float* at = memory.data();
  ffn_weights<float> ffn{.gate = {at, 6, 4}, .up = {at, 6, 4}, .down = {at, 4, 6}};

  std::string refused() const {
    return refusal<shape_error>([&] { check_shapes(ffn, "borrow"); });
  }
};

TEST_F(layer, that_fits_passes) {
  EXPECT_NO_THROW(check_shapes(ffn, "borrow"));
  EXPECT_EQ(ffn.width(), 4);
  EXPECT_EQ(ffn.neurons(), 6);
  EXPECT_TRUE(ffn.gated());
  ffn.gate_bias = ffn.up_bias = {at, 6};
  ffn.down_bias = {at, 4};
  EXPECT_NO_THROW(check_shapes(ffn, "borrow"));
  ffn.gate = {};
  ffn.gate_bias = {};
  EXPECT_FALSE(ffn.gated());
  EXPECT_NO_THROW(check_shapes(ffn, "borrow"));
  ffn.up = {at, 6, 4, 9};  // rows may stand apart
  EXPECT_NO_THROW(check_shapes(ffn, "borrow"));
}

TEST_F(layer, with_a_transposed_down_is_told_so) {
  ffn.down = {at, 6, 4};
  EXPECT_EQ(refused(),
            "borrow: down: expected [4 x 6], got [6 x 4]; it looks transposed: rows are outputs, as PyTorch and GGUF "
            "store a layer");
}

TEST_F(layer, with_another_shape_is_told_the_rule) {
  ffn.down = {at, 4, 5};
  EXPECT_EQ(
      refused(),
      "borrow: down: expected [4 x 6], got [4 x 5]; gate and up are [neurons x width], down is [width x neurons]");
  ffn.gate = {at, 5, 4};
  EXPECT_EQ(
      refused(),
      "borrow: gate: expected [6 x 4], got [5 x 4]; gate and up are [neurons x width], down is [width x neurons]");
}

TEST_F(layer, without_its_input_matrix_is_told_where_it_goes) {
  for (const matrix_view<const float> none :
       {matrix_view<const float>{}, matrix_view<const float>{at, 0, 4}, matrix_view<const float>{at, 6, 0}}) {
    ffn.up = none;
    EXPECT_EQ(refused(),
              "borrow: up: expected a matrix [neurons x width], got an empty one; a layer without a gate has its only "
              "input matrix in `up`");
  }
}

/// A pointer that a failed look-up left null must not turn a gated layer into one without a gate.
TEST_F(layer, with_a_shape_but_no_memory_is_refused) {
  const char* cure =
      " expected [6 x 4] of numbers, got that shape without memory (a null pointer); a layer without a gate leaves "
      "`gate` out altogether";
  ffn.gate = {nullptr, 6, 4};
  EXPECT_EQ(refused(), std::string("borrow: gate:") + cure);
  ffn.gate = {at, 6, 4};
  ffn.down = {nullptr, 4, 6};
  EXPECT_EQ(refused(), std::string("borrow: down: expected [4 x 6]") + std::string(cure).substr(17));
}

TEST_F(layer, with_a_bias_of_another_length_is_refused) {
  ffn.gate_bias = {at, 4};
  EXPECT_EQ(refused(), "borrow: gate_bias: expected 6 numbers, or none, got 4");
  ffn.gate_bias = {};
  ffn.up_bias = {at, 7};
  EXPECT_EQ(refused(), "borrow: up_bias: expected 6 numbers, or none, got 7");
  ffn.up_bias = {};
  ffn.down_bias = {at, 6};
  EXPECT_EQ(refused(), "borrow: down_bias: expected 4 numbers, or none, got 6");
}

TEST_F(layer, with_a_bias_of_the_gate_but_no_gate_is_refused) {
  ffn.gate = {};
  ffn.gate_bias = {at, 6};
  EXPECT_EQ(refused(), "borrow: gate_bias: expected none, without a gate, got 6");
}

TEST(biases, are_float_whatever_the_weights_are) {
  static_assert(std::same_as<bias_of<bf16>, float> && std::same_as<bias_of<f16>, float>);
  static_assert(std::same_as<bias_of<float>, float> && std::same_as<bias_of<double>, double>);
  SUCCEED();
}

TEST(owned_ffn, is_seen_as_the_matrices_it_holds) {
  owned_ffn<float> owned{.width = 2, .neurons = 3};
  owned.up = {1, 2, 3, 4, 5, 6};
  owned.down = {7, 8, 9, 10, 11, 12};
  owned.up_bias = {1, 2, 3};
  EXPECT_FALSE(owned.view().gated());
  owned.gate = {-1, -2, -3, -4, -5, -6};
  owned.gate_bias = {4, 5, 6};
  owned.down_bias = {8, 9};
  const ffn_weights<float> seen = owned.view();
  EXPECT_NO_THROW(check_shapes(seen, "owned"));
  EXPECT_EQ(seen.gate(2, 0), -5);
  EXPECT_EQ(seen.up(1, 1), 4);
  EXPECT_EQ(seen.down(1, 0), 10);
  EXPECT_EQ(seen.gate_bias[2], 6);
  EXPECT_EQ(seen.up_bias[0], 1);
  EXPECT_EQ(seen.down_bias[1], 9);
  EXPECT_EQ(seen.up.data(), owned.up.data());
}

class stack : public ::testing::Test {
protected:
  std::vector<float> memory = std::vector<float>(enough);
  const float* at = memory.data();
  // three experts of 6 neurons, width 4
  stacked_ffn_weights<float> ffn{.gate = {at, 18, 4}, .up = {at + 100, 18, 4}, .down = {at + 200, 12, 6}, .experts = 3};

  std::string refused() const {
    return refusal<shape_error>([&] { check_shapes(ffn, "borrow"); });
  }
};

TEST_F(stack, holds_layers_of_its_own) {
  EXPECT_NO_THROW(check_shapes(ffn, "borrow"));
  EXPECT_EQ(ffn.width(), 4);
  EXPECT_EQ(ffn.neurons_per_expert(), 6);
  const ffn_weights<float> last = ffn.expert(2);
  EXPECT_EQ(last.gate.data(), at + 2 * 6 * 4);
  EXPECT_EQ(last.up.data(), at + 100 + 2 * 6 * 4);
  EXPECT_EQ(last.down.data(), at + 200 + 2 * 4 * 6);
  EXPECT_EQ(shape_of(last.down), "[4 x 6]");
  EXPECT_NO_THROW(check_shapes(last, "expert"));
  ffn.gate = {};
  EXPECT_NO_THROW(check_shapes(ffn, "borrow"));
  EXPECT_FALSE(ffn.expert(1).gated());
}

TEST_F(stack, must_say_how_many_experts_it_holds) {
  for (const index_t experts : {index_t{0}, index_t{-3}}) {
    ffn.experts = experts;
    EXPECT_EQ(refusal<setting_error>([&] { check_shapes(ffn, "borrow"); }),
              "borrow: experts: expected at least 1, got " + std::to_string(experts) +
                  "; say how many experts the slabs hold: .experts = 8");
  }
}

TEST_F(stack, that_does_not_divide_is_refused) {
  ffn.experts = 4;
  EXPECT_EQ(refused(),
            "borrow: up: expected rows that divide into 4 experts, got [18 x 4]; the slabs are [experts * neurons x "
            "width] and, for down, [experts * width x neurons]");
}

TEST_F(stack, whose_down_fits_no_width_is_refused) {
  ffn.down = {at, 18, 4};
  EXPECT_EQ(refused(), "borrow: down: expected 12 rows (experts * width), got [18 x 4]");
  ffn.down = {at, 12, 5};
  EXPECT_EQ(
      refused(),
      "borrow: down: expected [4 x 6], got [4 x 5]; gate and up are [neurons x width], down is [width x neurons]");
}

/// Files that fuse gate and up of each expert in one slab divide as well, and would be read as the wrong rows.
TEST_F(stack, whose_gate_is_a_fused_slab_is_refused) {
  ffn.gate = {at, 36, 4};
  EXPECT_EQ(refused(),
            "borrow: gate: expected 18 rows, as up, got [36 x 4]; a slab that holds gate and up of each expert must "
            "come in two");
  ffn.gate = {at, 9, 4};
  EXPECT_EQ(refused().substr(0, 47), "borrow: gate: expected 18 rows, as up, got [9 x");
  ffn.gate = {nullptr, 18, 4};
  EXPECT_EQ(refused().substr(0, 34), "borrow: gate: expected [6 x 4] of ");
}

}  // namespace
}  // namespace fissile
