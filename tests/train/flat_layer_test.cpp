// A layer in one list and back: every number once, in its place, for every shape.
#include "train/problem.hpp"

#include <fissile/train/flat_layer.hpp>

namespace fissile::testing {
namespace {

template <class View>
std::vector<float> numbers_of(View part) {
  std::vector<float> all;
  for (index_t row = 0; row < part.rows(); ++row) all.insert(all.end(), part.row(row).begin(), part.row(row).end());
  return all;
}

TEST(flat_layer, holds_every_number_in_its_place) {
  random_source random{1};
  for (int trial = 0; trial < 30; ++trial) {
    const owned_ffn<float> ffn = random_ffn<float>(random, random_shape(random));
    std::vector<float> flat = flatten<float>(ffn.view());
    ASSERT_EQ(length(flat), parameters_of(ffn.view()));
    const ffn_gradients<float> parts = parts_of(vector_view<float>{flat}, ffn.view());
    EXPECT_EQ(numbers_of(parts.gate), ffn.gate);
    EXPECT_EQ(numbers_of(parts.up), ffn.up);
    EXPECT_EQ(numbers_of(parts.down), ffn.down);
    EXPECT_TRUE(std::equal(ffn.gate_bias.begin(), ffn.gate_bias.end(), parts.gate_bias.begin(), parts.gate_bias.end()));
    EXPECT_TRUE(std::equal(ffn.up_bias.begin(), ffn.up_bias.end(), parts.up_bias.begin(), parts.up_bias.end()));
    EXPECT_TRUE(std::equal(ffn.down_bias.begin(), ffn.down_bias.end(), parts.down_bias.begin(), parts.down_bias.end()));
    check_shapes(weights_of(parts), "flat_layer_test");
    EXPECT_EQ(weights_of(parts).gated(), ffn.view().gated());
    parts.up(0, 0) = 7;
    EXPECT_EQ(weights_of(parts).up(0, 0), 7) << "borrowed, not copied";
  }
}

TEST(flat_layer, widens_what_is_stored_in_16_bits_and_knows_strides) {
  random_source random{2};
  const owned_ffn<bf16> ffn = random_ffn<bf16>(random, {.width = 6, .neurons = 9});
  const std::vector<double> flat = flatten<double>(ffn.view());
  EXPECT_EQ(flat[0], static_cast<double>(to_float(ffn.gate[0])));
  EXPECT_EQ(flat.back(), static_cast<double>(to_float(ffn.down.back())));
  const ffn_weights<bf16> half{
      .gate = {ffn.gate.data(), 9, 3, 6}, .up = {ffn.up.data(), 9, 3, 6}, .down = {ffn.down.data(), 3, 9}};
  EXPECT_EQ(flatten<float>(half)[3], to_float(ffn.gate[6]));
}

}  // namespace
}  // namespace fissile::testing
