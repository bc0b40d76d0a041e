// The invariant: with every expert chosen at weight 1 the sparse layer is the dense layer, whatever the partition,
// storage, element, activation, gate, biases, batch and shape.
#include "properties/all_partitioners.hpp"

#include <gtest/gtest.h>
#include <fissile/base/thread_pool.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/exactness.hpp>

namespace fissile {
namespace {

using testing::random_numbers;

template <element T, class Activation>
struct of {
  using element_type = T;
  using activation_type = Activation;
};
template <class Case>
class all_on : public ::testing::Test {
protected:
  using stored = typename Case::element_type;
  static constexpr typename Case::activation_type activate{};

  /// How far the layer is from `ffn` with every expert on, for a random batch.
  template <class Storage>
  static double distance(random_source& random, const ffn_weights<stored>& ffn, Storage storage) {
    const index_t tokens = 1 + random.below(3 * lanes);
    const auto x = random_numbers<float>(random, tokens * ffn.width(), std::exp(random.normal()));
    std::vector<float> y(x.size());
    const sparse_ffn run{std::move(storage), activate};
    thread_pool pool{1 + random.below(2)};
    workspace work{run, {.batch = tokens + random.below(3)}, pool};
    work.choose_all(tokens, run.experts());
    const matrix_view<const float> in{x.data(), tokens, ffn.width()};
    run(in, work, {y.data(), tokens, ffn.width()});
    return exactness(ffn, activate, in, {y.data(), tokens, ffn.width()});
  }
};
using cases = ::testing::Types<of<float, silu>, of<float, gelu>, of<float, relu2>, of<bf16, silu>, of<bf16, gelu_tanh>,
                               of<f16, relu>, of<f16, relu2>, of<double, silu>>;
TYPED_TEST_SUITE(all_on, cases);

TYPED_TEST(all_on, is_the_dense_layer_for_every_partitioner) {
  random_source random{1};
  for (int trial = 0; trial < 40; ++trial) {
    const testing::layer_shape shape = testing::random_shape(random);
    const auto owned = testing::random_ffn<typename TypeParam::element_type>(random, shape);
    const index_t experts = 1 + random.below(owned.neurons);
    testing::for_every_partitioner(random, owned.neurons, experts, [&](const char* name, const auto& policy) {
      const double distance =
          this->distance(random, owned.view(), borrow(owned.view(), policy.split(owned.view(), experts)));
      ASSERT_LE(distance, exactness_bound) << name << ", trial " << trial << ", " << experts << " experts of "
                                           << owned.neurons << " neurons, width " << owned.width;
    });
  }
}

/// A stack of experts is the dense layer of all their neurons.
TYPED_TEST(all_on, is_the_dense_layer_for_a_stack) {
  using T = typename TypeParam::element_type;
  random_source random{2};
  for (int trial = 0; trial < 40; ++trial) {
    const index_t experts = 1 + random.below(6), each = 1 + random.below(20), width = 1 + random.below(30);
    const auto gated = random.below(2) == 0 ? testing::gate::present : testing::gate::absent;
    const auto dense = testing::random_ffn<T>(random, {.width = width, .neurons = experts * each, .gated = gated});
    std::vector<T> down;  // [experts, width, each]
    for (index_t e = 0; e < experts; ++e) {
      for (index_t i = 0; i < width; ++i) {
        for (index_t j = 0; j < each; ++j) down.push_back(dense.down[to_size(i * dense.neurons + e * each + j)]);
      }
    }
    const stacked_ffn_weights<T> stack{.gate = dense.view().gate,
                                       .up = dense.view().up,
                                       .down = {down.data(), experts * width, each},
                                       .experts = experts};
    ASSERT_LE(this->distance(random, dense.view(), borrow(stack)), exactness_bound) << "trial " << trial;
  }
}

/// Shapes as large as a small model's, where float sums have room to go wrong.
TEST(all_on, is_the_dense_layer_for_a_wide_one) {
  random_source random{3};
  const auto owned = testing::random_ffn<bf16>(random, {.width = 512, .neurons = 1376});
  const auto x = random_numbers<float>(random, 9 * 512);
  std::vector<float> y(x.size());
  const sparse_ffn run{borrow(owned.view(), shuffled{}.split(1376, 43)), silu{}};
  workspace work{run, {.batch = 9}};
  work.choose_all(9, 43);
  run({x.data(), 9, 512}, work, {y.data(), 9, 512});
  EXPECT_LE(exactness(owned.view(), silu{}, {x.data(), 9, 512}, {y.data(), 9, 512}), exactness_bound / 10);
}

}  // namespace
}  // namespace fissile
