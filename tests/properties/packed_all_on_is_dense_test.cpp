// The invariant for packed experts: all of them on are the dense layer on the weights that the panels hold.
#include <fissile/base/thread_pool.hpp>
#include <fissile/run/sparse_ffn.hpp>
#include <fissile/weights/exactness.hpp>

#include "properties/all_partitioners.hpp"
#include "properties/packed_kinds.hpp"

namespace fissile {
namespace {

using testing::leaky;
using testing::packed_kind;
using testing::random_numbers;

template <class Kind>
class packed_all_on : public ::testing::Test {
protected:
  static constexpr typename Kind::activation_type activate{};
  random_source random{1};
  thread_pool pool{2};

  /// How far the packed experts are from the layer they unpack to, for a random batch.
  template <class Packed>
  double distance(Packed packed, index_t tokens) {
    const auto dense = unpack(packed);
    const auto x = random_numbers<float>(random, tokens * dense.width, std::exp(random.normal()));
    std::vector<float> y(x.size());
    const sparse_ffn run{std::move(packed), activate};
    workspace work{run, {.batch = tokens + random.below(3)}, pool};
    work.choose_all(tokens, run.experts());
    const matrix_view<const float> in{x.data(), tokens, dense.width};
    run(in, work, {y.data(), tokens, dense.width});
    return exactness(dense.view(), activate, in, {y.data(), tokens, dense.width});
  }
};
using packed_kinds = ::testing::Types<packed_kind<float, silu>, packed_kind<float, gelu>, packed_kind<float, leaky>,
                                      packed_kind<bf16, gelu_tanh>, packed_kind<bf16, relu2>, packed_kind<f16, relu>,
                                      packed_kind<f16, leaky>, packed_kind<int8, silu>, packed_kind<int8, relu2>>;
TYPED_TEST_SUITE(packed_all_on, packed_kinds);

TYPED_TEST(packed_all_on, are_the_dense_layer_for_every_partitioner) {
  random_source& draw = this->random;
  for (int trial = 0; trial < 8; ++trial) {
    const auto owned = testing::random_ffn<typename TypeParam::source>(draw, testing::random_shape(draw));
    const index_t experts = 1 + draw.below(owned.neurons);
    const auto check = [&](const char* name, const partition& split) {
      for (const instruction_set set : testing::machine_sets()) {
        auto packed = pack<typename TypeParam::stored>(owned.view(), split, TypeParam::settings(draw, set));
        ASSERT_LE(this->distance(std::move(packed), 1 + draw.below(12)), exactness_bound)
            << name << ", " << name_of(set) << ", trial " << trial << ", " << experts << " experts of " << owned.neurons
            << ", width " << owned.width;
      }
    };
    testing::for_every_partitioner(draw, owned.neurons, experts, [&](const char* name, const auto& policy) {
      check(name, policy.split(owned.view(), experts));
    });
    check("uneven, some shared", testing::uneven_split(draw, owned.neurons, experts));
  }
}

TYPED_TEST(packed_all_on, are_the_dense_layer_for_a_stack) {
  using source = typename TypeParam::source;
  random_source& draw = this->random;
  for (int trial = 0; trial < 10; ++trial) {
    const index_t experts = 1 + draw.below(6), each = 1 + draw.below(70), width = 1 + draw.below(70);
    const auto rows = random_numbers<source>(draw, 3 * experts * each * width, 0.1);
    const source* at = rows.data();
    const index_t all = experts * each * width;
    stacked_ffn_weights<source> stack{
        .up = {at, experts * each, width}, .down = {at + all, experts * width, each}, .experts = experts};
    if (trial % 2 == 0) stack.gate = {at + 2 * all, experts * each, width};
    for (const instruction_set set : testing::machine_sets()) {
      auto packed = pack<typename TypeParam::stored>(stack, TypeParam::settings(draw, set));
      ASSERT_LE(this->distance(std::move(packed), 1 + draw.below(20)), exactness_bound)
          << name_of(set) << ", trial " << trial;
    }
  }
}

/// Wider than a block of terms on both sides, where the sums are carried from block to block.
TYPED_TEST(packed_all_on, are_the_dense_layer_over_several_blocks) {
  const auto owned = testing::random_ffn<typename TypeParam::source>(
      this->random, {.width = 530, .neurons = 540, .biased = testing::biases::present});
  for (const instruction_set set : testing::machine_sets()) {
    auto packed = pack<typename TypeParam::stored>(owned.view(), even_slices{}.split(540, 1),
                                                   TypeParam::settings(this->random, set));
    ASSERT_LE(this->distance(std::move(packed), 3), exactness_bound) << name_of(set);
  }
}

}  // namespace
}  // namespace fissile
