// pack and unpack: the very bits for float, bf16 and f16, whatever the experts; and what is refused.
#include <fissile/pack/packed_matrix.hpp>
#include <fissile/partition/shuffled.hpp>

#include "base/refusal.hpp"
#include "support/random_ffn.hpp"

#include <cstring>

namespace fissile {
namespace {

template <class T>
testing::layer_shape shape_for(random_source& random) {
  testing::layer_shape shape = testing::random_shape(random);
  if (random.below(4) == 0) shape.width += 60;  // a second output panel
  return shape;
}
/// Every pattern is as likely: NaN with any payload, infinities, subnormal numbers and both zeros.
template <class T>
std::vector<T> any_bits(random_source& random, std::size_t count) {
  std::vector<T> numbers(count);
  for (T& number : numbers) {
    const std::uint64_t bits = random.bits();
    std::memcpy(static_cast<void*>(&number), &bits, sizeof number);
  }
  return numbers;
}
template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  if (a.empty() || b.empty()) return a.empty() && b.empty();
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
class packing : public ::testing::Test {};
using stored = ::testing::Types<float, bf16, f16>;
TYPED_TEST_SUITE(packing, stored);

TYPED_TEST(packing, keeps_every_bit_of_every_pattern_through_any_partition) {
  using T = TypeParam;
  random_source random{1};
  for (int trial = 0; trial < 60; ++trial) {
    owned_ffn<T> ffn = testing::random_ffn<T>(random, shape_for<T>(random));
    ffn.gate = any_bits<T>(random, ffn.gate.size());
    ffn.up = any_bits<T>(random, ffn.up.size());
    ffn.down = any_bits<T>(random, ffn.down.size());
    const partition split = shuffled{.seed = random.bits()}.split(ffn.neurons, 1 + random.below(ffn.neurons));
    const auto packed = pack(ffn.view(), split);
    static_assert(std::same_as<typename decltype(packed)::element_type, T>);
    const owned_ffn<T> back = unpack(packed);
    ASSERT_EQ(back.width, ffn.width);
    ASSERT_EQ(back.neurons, ffn.neurons);
    ASSERT_TRUE(same(back.gate, ffn.gate) && same(back.up, ffn.up) && same(back.down, ffn.down)) << trial;
    ASSERT_EQ(back.gate_bias, ffn.gate_bias);
    ASSERT_EQ(back.up_bias, ffn.up_bias);
    ASSERT_EQ(back.down_bias, ffn.down_bias);
    ASSERT_EQ(packed.gated(), !ffn.gate.empty());
    ASSERT_EQ(packed.experts(), split);
  }
}

TYPED_TEST(packing, reads_rows_at_any_distance_and_needs_them_no_longer) {
  using T = TypeParam;
  random_source random{2};
  auto wide = any_bits<T>(random, 3 * 40 * 50);
  const std::vector<T> before = wide;
  const auto part = [&](index_t first, index_t rows, index_t columns) {
    return matrix_view<const T>{wide.data() + first, rows, columns, 50};
  };
  const ffn_weights<T> ffn{.gate = part(3, 40, 20), .up = part(2000, 40, 20), .down = part(4000, 20, 40)};
  const auto packed = pack(ffn);
  std::fill(wide.begin(), wide.end(), T{});  // the weights may go
  const owned_ffn<T> back = unpack(packed);
  for (std::size_t neuron = 0; neuron < 40; ++neuron) {
    ASSERT_EQ(std::memcmp(&back.gate[neuron * 20], &before[3 + neuron * 50], 20 * sizeof(T)), 0);
    ASSERT_EQ(std::memcmp(&back.up[neuron * 20], &before[2000 + neuron * 50], 20 * sizeof(T)), 0);
  }
  for (std::size_t i = 0; i < 20; ++i) {
    ASSERT_EQ(std::memcmp(&back.down[i * 40], &before[4000 + i * 50], 40 * sizeof(T)), 0);
  }
}

TYPED_TEST(packing, makes_a_stack_the_layer_of_all_its_neurons) {
  using T = TypeParam;
  random_source random{3};
  constexpr index_t experts = 3, each = 5, width = 4;
  const auto rows = any_bits<T>(random, 2 * experts * each * width), down = any_bits<T>(random, experts * width * each);
  const stacked_ffn_weights<T> stack{.gate = {rows.data(), experts * each, width},
                                     .up = {rows.data() + experts * each * width, experts * each, width},
                                     .down = {down.data(), experts * width, each},
                                     .experts = experts};
  const owned_ffn<T> back = unpack(pack(stack));
  ASSERT_TRUE(same(back.gate, std::vector<T>(rows.begin(), rows.begin() + experts * each * width)));
  for (index_t e = 0; e < experts; ++e) {
    for (index_t i = 0; i < width; ++i) {
      ASSERT_EQ(std::memcmp(&back.down[to_size(i * experts * each + e * each)], &down[to_size((e * width + i) * each)],
                            each * sizeof(T)),
                0);
    }
  }
}

TEST(packing, of_one_bias_fills_the_other_with_zeros) {
  random_source random{4};
  auto ffn = testing::random_ffn<float>(random, {.width = 3, .neurons = 40});
  ffn.up_bias = testing::random_numbers<float>(random, 40);
  const auto back = unpack(pack(ffn.view(), shuffled{}.split(40, 6)));
  EXPECT_EQ(back.up_bias, ffn.up_bias);
  EXPECT_EQ(back.gate_bias, std::vector<float>(40, 0.0f));
  EXPECT_TRUE(back.down_bias.empty());
}

TEST(packing, as_another_number_rounds_each_weight) {
  random_source random{5};
  const auto ffn = testing::random_ffn<float>(random, {.width = 70, .neurons = 33});
  const auto halves = unpack(pack<bf16>(ffn.view(), even_slices{}.split(33, 4)));
  const auto binary16 = unpack(pack<f16>(ffn.view()));
  const auto wide = unpack(pack<float>(halves.view()));
  for (std::size_t i = 0; i < ffn.down.size(); ++i) {
    ASSERT_EQ(halves.down[i].bits, to_bf16(ffn.down[i]).bits);
    ASSERT_EQ(binary16.up[i].bits, to_f16(ffn.up[i]).bits);
    ASSERT_EQ(wide.gate[i], to_float(to_bf16(ffn.gate[i])));
  }
}

TEST(packing, as_int8_costs_a_byte_a_weight_and_its_scales) {
  random_source random{6};
  const auto ffn = testing::random_ffn<float>(random, {.width = 256, .neurons = 512});
  const index_t weights = 3 * 256 * 512;
  EXPECT_EQ(pack<bf16>(ffn.view()).bytes(), 2 * weights);
  EXPECT_EQ(pack<int8>(ffn.view()).bytes(), weights + (16 + 4) * 64 * 4);
  EXPECT_EQ(pack<int8>(ffn.view(), {.weights_per_scale = 32}).bytes(), weights + weights / 32 * 4);
}

template <class T, class Storage>
std::string refused(const Storage& storage, pack_settings settings) {
  return testing::refusal<setting_error>([&] { pack<T>(storage, settings); });
}

TEST(packing, refuses_settings_it_cannot_honour) {
  random_source random{7};
  const auto owned = testing::random_ffn<float>(random, {.width = 3, .neurons = 4});
  const auto ffn = borrow(owned.view(), even_slices{}.split(4, 2));
  const std::string dot =
      "pack: products: expected products::exact for weights that are not stored as bf16, got products::bf16_dot; "
      "pack<bf16> rounds the weights, too";
  EXPECT_EQ(refused<float>(ffn, {.products = products::bf16_dot}), dot);
  EXPECT_EQ(refused<int8>(ffn, {.products = products::bf16_dot}), dot);
  EXPECT_EQ(refused<float>(ffn, {.weights_per_scale = 32}),
            "pack: weights_per_scale: expected 0: only int8 has scales, got 32");
  for (const index_t together : {-32, 1, 16, 31, 48, 96, 512}) {
    EXPECT_EQ(
        refused<int8>(ffn, {.weights_per_scale = together}),
        "pack: weights_per_scale: expected 32, 64, 128, 256, or 0 for all of a sum, got " + std::to_string(together));
  }
  EXPECT_EQ(testing::refusal<shape_error>([&] { pack(owned.view(), even_slices{}.split(5, 2)); }),
            "borrow: experts: expected a partition of 4 neurons, got one of 5; split this layer's own weights");
}

}  // namespace
}  // namespace fissile
